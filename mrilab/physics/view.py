"""Another field of view of the same object."""

import torch
from torch import Tensor

from mrilab.physics.fourier import PLANE, fft1c


def narrow_view(kspace: Tensor, shares: tuple[float, float]) -> Tensor:
    """Return the k-space of the central part of the field of view, resampled: (..., H, W) -> (..., h, w).

    `shares` are the sides of the part over those of the whole, at most 1, so h is about shares[0] * H: the resolution
    stays. The image is evaluated where the pixels of the part lie, by its own Fourier series.
    """
    for dim, share in zip(PLANE, shares, strict=True):
        n = kspace.shape[dim]
        m = max(1, round(share * n))
        places = (torch.arange(m, dtype=torch.float64) - m // 2) * (share / m)  # of the pixels, in whole fields of view
        frequencies = torch.arange(n, dtype=torch.float64) - n // 2
        series = torch.polar(torch.ones(m, n, dtype=torch.float64), 2 * torch.pi * places[:, None] * frequencies)
        to_pixels = (series / n**0.5).to(kspace)  # (m, n)
        kspace = fft1c(torch.movedim(torch.movedim(kspace, dim, -1) @ to_pixels.mT, -1, dim), dim)
    return kspace
