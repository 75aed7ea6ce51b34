"""A lesion that no training image has: planted in a simulated head, and measured in an image."""

import torch
from torch import Tensor

from mrilab.data.recipes import Simulated
from mrilab.physics.fourier import fft2c

WINDOW = 11  # side of the neighbourhood whose evenness is measured, in pixels
BRAIN = 0.25  # smallest mean magnitude of the neighbourhood, in units of the image's 0.99 quantile; air is darker
RADIUS = 3.0  # radius of the lesion, in pixels
EDGE = 0.5  # width of its soft edge, in pixels
STRENGTH = 0.4  # magnitude of the lesion, in units of the image's 0.99 quantile
RING = 8.0  # outer radius of the ring around it, in pixels


def plant_lesion(scan: Simulated) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Add a bright disc with soft edges to the k-space of a simulated head, in its most even tissue.

    The lesion is drawn on the grid of the scan and takes the phase of the tissue.

    Returns:
        kspace (coil, H, W), the noise-free image with the lesion (H, W), and the disc and the ring around it as bool
        (H, W).
    """
    magnitude = scan.truth.abs()
    moments = torch.stack([magnitude, magnitude**2])  # (2, H, W)
    mean, square = torch.nn.functional.avg_pool2d(moments, WINDOW, stride=1, padding=WINDOW // 2)  # (H, W) each
    unevenness = (square - mean**2) / mean**2
    unevenness[mean < BRAIN] = torch.inf
    row, column = divmod(int(unevenness.argmin()), magnitude.shape[-1])
    v, u = (torch.arange(n, dtype=torch.float32) for n in magnitude.shape)
    distance = torch.hypot(v[:, None] - row, u - column)  # (H, W)
    profile = torch.sigmoid((RADIUS - distance) / EDGE)
    lesion = STRENGTH * profile * torch.sgn(scan.truth)
    kspace = scan.kspace + fft2c(scan.coil_maps * lesion)
    return kspace, scan.truth + lesion, distance <= RADIUS, (distance > RADIUS + 2 * EDGE) & (distance <= RING)


def lesion_contrast(image: Tensor, disc: Tensor, ring: Tensor) -> float:
    """Return the mean magnitude of an image (H, W) in the disc, minus that in the ring around it."""
    return float(image.abs()[disc].mean() - image.abs()[ring].mean())
