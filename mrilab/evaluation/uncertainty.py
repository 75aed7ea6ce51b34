"""Are posterior samples right about how wrong they are? Measured against the noise-free truth of simulated scans."""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.data.recipes import Simulated
from mrilab.evaluation.metrics import MASK_LEVEL
from mrilab.physics.fourier import fft2c

WINDOW = 11  # pixels, a neighbourhood that has to be even to take a lesion
RADIUS, EDGE, STRENGTH = 3.0, 0.5, 0.4  # of a lesion: pixels, pixels, of the image's 0.99 quantile
RING = 8.0  # outer radius of its surroundings, pixels


def inside_object(truth: Tensor) -> Tensor:
    """Pixels of at least 5 % of the maximum, bool (H, W): those that the masked metrics keep."""
    return truth.abs() >= MASK_LEVEL * truth.abs().max()


def pearson(a: Tensor, b: Tensor, inside: Tensor) -> float:
    """Correlation of two real images (H, W) over the pixels `inside`; nan where one is constant there."""
    return float(torch.corrcoef(torch.stack([a[inside], b[inside]]).double())[0, 1])


def coverage(samples: Tensor, truth: Tensor, inside: Tensor, level: float) -> float:
    """Share of pixels whose true magnitude lies in the central `level` interval of the samples' magnitudes.

    The truth and K samples of the same distribution are exchangeable, so the interval between the order statistics
    i and K + 1 - i covers (K + 1 - 2 i) / (K + 1); between them the ends are interpolated, as if i were real.

    Args:
        samples: (K, H, W), truth (H, W), inside bool (H, W). level: between 0 and (K - 1) / (K + 1).
    """
    magnitudes = samples.abs()[:, inside].double()  # (K, pixels)
    count = len(magnitudes)
    tail = (1 - level) / 2 * (count + 1)  # the real i
    if not 1 - 1e-9 <= tail <= (count + 1) / 2:
        raise ValueError(f"{count} samples have no central interval of {level:g}; draw more of them")
    ends = torch.tensor([tail - 1, count - tail], dtype=torch.float64).clamp(0, count - 1) / (count - 1)
    low, high = torch.quantile(magnitudes, ends, dim=0)
    true = truth.abs()[inside]
    return float(((true >= low) & (true <= high)).double().mean())


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
