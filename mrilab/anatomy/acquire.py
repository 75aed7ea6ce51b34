"""A simulated scan: the continuous object stands on a grid at least twice as fine as the one reconstructed.

A scanner samples the Fourier transform of the object itself. Making k-space from the very pixels that are to
be reconstructed would be an inverse crime: no truncation ringing, no partial volume, maps that explain the
data exactly. So coil images are formed on the fine grid and only the centre of their k-space is kept.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import centre_crop, centre_pad, fft2c, ifft2c


def simulate_scan(
    image: Tensor,
    coil_maps: Tensor,
    shape: tuple[int, int],
    noise_std: float = 0.0,
    generator: torch.Generator | None = None,
    oversampling: int = 1,
) -> Tensor:
    """K-space of `image` (..., H, W) seen by `coil_maps` (..., coil, H, W), both on the fine grid.

    Returns complex64 (..., coil, oversampling * h, w) for `shape` = (h, w): fully sampled, with noise of
    standard deviation `noise_std` per real component (in k-space and, the transform being orthonormal, in
    the image too); noise_std=0 gives the truth. `oversampling` widens the field of view along the readout,
    as scanners do. Intensities are those of `image`, see `truncate`. Raises UserError if the grid is not
    twice as fine.
    """
    fine, (h, w) = tuple(image.shape[-2:]), shape
    if fine[0] < 2 * h or fine[1] < 2 * w:
        raise UserError(
            f"Simulating {h} x {w} samples from {fine[0]} x {fine[1]} pixels would be an inverse crime: "
            f"draw the image on at least {2 * h} x {2 * w} pixels."
        )
    coil_images = image.unsqueeze(-3) * coil_maps  # (..., coil, H, W)
    if oversampling != 1:
        coil_images = centre_pad(coil_images, (oversampling * fine[0], fine[1]))
    kspace = truncate(fft2c(coil_images), (oversampling * h, w)).to(torch.complex64)
    return add_noise(kspace, noise_std, generator) if noise_std else kspace


def truncate(kspace: Tensor, shape: tuple[int, int]) -> Tensor:
    """The centre (..., h, w) of k-space (..., H, W), scaled so that its image keeps the intensities.

    A constant image c has sqrt(N) c at DC under the orthonormal transform of N points, and gets back DC /
    sqrt(n) from the n points that are kept: without the factor sqrt(n / N) it would brighten by sqrt(N / n).
    """
    factor = math.sqrt(math.prod(shape) / math.prod(kspace.shape[-2:]))
    return factor * centre_crop(kspace, shape)


def band_limit(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """The image (..., h, w) that noise-free, full k-space of `image` (..., H, W) gives: the truth."""
    return ifft2c(truncate(fft2c(image), shape))


def add_noise(kspace: Tensor, noise_std: float, generator: torch.Generator | None = None) -> Tensor:
    """Complex white Gaussian noise, `noise_std` per real component, drawn on the CPU whatever the device."""
    noise = torch.randn(*kspace.shape, 2, generator=generator, dtype=kspace.real.dtype)
    return kspace + noise_std * torch.view_as_complex(noise).to(kspace.device)
