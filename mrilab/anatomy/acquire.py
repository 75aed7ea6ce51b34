"""A simulated scan: the continuous object stands on a grid at least twice as fine as that of the reconstruction.

A scanner samples the Fourier transform of the object itself. Making k-space from the very pixels that are to be
reconstructed would be an inverse crime: no truncation ringing, no partial volume, maps that explain the data exactly.
So coil images are formed on the fine grid and only the centre of their k-space is kept.
"""

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import centre_crop, centre_pad, fft2c, ifft2c
from mrilab.physics.noise import complex_noise


def simulate_scan(
    image: Tensor,
    coil_maps: Tensor,
    shape: tuple[int, int],
    noise_std: float = 0.0,
    generator: torch.Generator | None = None,
    oversampling: int = 1,
) -> Tensor:
    """Return the full k-space of `image` (..., H, W) seen by `coil_maps` (..., coil, H, W), both on the fine grid.

    It is complex64 (..., coil, oversampling * h, w). Intensities are those of `image`, see `truncate`.

    Args:
        shape: (h, w) of the scan.
        noise_std: standard deviation of the noise per real component, in k-space and in the image; 0 adds none.
        oversampling: factor by which the field of view is wider along the readout, as scanners make it.

    Raises:
        UserError: a grid that is not twice as fine as the scan.
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
    """Return the centre (..., h, w) of k-space (..., H, W), scaled so that its image keeps the intensities.

    A constant image c has sqrt(N) c at DC under the orthonormal transform of N points, and gets back DC /
    sqrt(n) from the n points that are kept: without the factor sqrt(n / N) it would brighten by sqrt(N / n).
    """
    factor = math.sqrt(math.prod(shape) / math.prod(kspace.shape[-2:]))
    return factor * centre_crop(kspace, shape)


def band_limit(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the image (..., h, w) that noise-free, full k-space of `image` (..., H, W) gives: the truth."""
    return ifft2c(truncate(fft2c(image), shape))


def add_noise(kspace: Tensor, noise_std: float, generator: torch.Generator | None = None) -> Tensor:
    """Return k-space with complex white Gaussian noise of `noise_std` per real component, drawn on the CPU."""
    return kspace + noise_std * complex_noise(kspace.shape, generator, kspace.real.dtype).to(kspace.device)
