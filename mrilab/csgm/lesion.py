"""A lesion that no training image has: planted in a simulated head, and measured in an image."""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.data.recipes import Simulated
from mrilab.physics.fourier import fft2c

WINDOW = 11  # pixels, a neighbourhood that has to be even to take a lesion


RADIUS, EDGE, STRENGTH = 3.0, 0.5, 0.4  # of a lesion: pixels, pixels, of the image's 0.99 quantile


RING = 8.0  # outer radius of its surroundings, pixels


def plant_lesion(scan: Simulated) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A bright disc with soft edges in the most even tissue of a simulated head, added to its k-space.

    Returns (kspace (coil, H, W), truth (H, W) with the lesion, disc and ring bool (H, W)); the ring surrounds the
    disc. The lesion is drawn on the grid of the scan and takes the phase of the tissue.
    """
    magnitude = scan.truth.abs()
    window = {"kernel_size": WINDOW, "stride": 1, "padding": WINDOW // 2}
    moments = torch.stack([magnitude, magnitude**2])  # (2, H, W)
    mean, square = torch.nn.functional.avg_pool2d(moments, **window)
    even = (square - mean**2) / mean**2
    even[mean < 0.25] = torch.inf  # brain and not air, in units of the 0.99 quantile
    row, column = divmod(int(even.argmin()), magnitude.shape[-1])
    v, u = (torch.arange(n, dtype=torch.float32) for n in magnitude.shape)
    distance = torch.hypot(v[:, None] - row, u - column)  # (H, W)
    profile = torch.sigmoid((RADIUS - distance) / EDGE)
    lesion = STRENGTH * profile * torch.sgn(scan.truth)
    kspace = scan.kspace + fft2c(scan.coil_maps * lesion)
    return kspace, scan.truth + lesion, distance <= RADIUS, (distance > RADIUS + 2 * EDGE) & (distance <= RING)


def lesion_contrast(image: Tensor, disc: Tensor, ring: Tensor) -> float:
    """Mean magnitude in the disc minus that in the ring around it."""
    return float(image.abs()[disc].mean() - image.abs()[ring].mean())
