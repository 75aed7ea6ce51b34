"""The scan that the benchmarks share: the Shepp-Logan phantom, 8 coils, a line or a point mask."""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import shepp_logan
from mrilab.physics import equispaced_mask, poisson_mask


def phantom_scan(n: int, coils: int = 8, noise_std: float = 0.002) -> tuple[Tensor, Tensor]:
    """Fully sampled k-space (coil, n, n), simulated on a grid twice as fine, and its true maps."""
    generator = torch.Generator().manual_seed(0)
    array = random_array(coils, generator)
    image = shepp_logan().image((2 * n, 2 * n)).to(torch.complex64)
    kspace = simulate_scan(image, array.maps((2 * n, 2 * n)), (n, n), noise_std, generator)
    return kspace.contiguous(), array.maps((n, n))


def line_mask(n: int) -> Tensor:
    return equispaced_mask((n, n), 4)


def point_mask(n: int) -> Tensor:
    return poisson_mask((n, n), 4, generator=torch.Generator().manual_seed(0))


def bare_pair(kspace: Tensor) -> Tensor:
    """The floor: one batched 2-D FFT there and back over all coils, and nothing else."""
    return torch.fft.ifft2(torch.fft.fft2(kspace))
