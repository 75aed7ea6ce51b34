"""The centred orthonormal discrete Fourier transform: DC of k-space and centre of the image at N // 2."""

import torch
from torch import Tensor

PLANE = (-2, -1)  # the dimensions of an image


def fft2c(x: Tensor) -> Tensor:
    """Transform images to k-space over the last two dimensions; unitary. (..., H, W) -> (..., H, W)."""
    # ifftshift comes first and fftshift last, both ways: for odd N the other order is off by one sample.
    return torch.fft.fftshift(torch.fft.fft2(torch.fft.ifftshift(x, dim=PLANE), norm="ortho"), dim=PLANE)


def ifft2c(y: Tensor) -> Tensor:
    """Transform k-space to images over the last two dimensions: the inverse and adjoint of `fft2c`."""
    return torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(y, dim=PLANE), norm="ortho"), dim=PLANE)


def fft1c(x: Tensor, dim: int) -> Tensor:
    """Transform along one dimension, centred and orthonormal."""
    return torch.fft.fftshift(torch.fft.fft(torch.fft.ifftshift(x, dim=dim), dim=dim, norm="ortho"), dim=dim)


def ifft1c(y: Tensor, dim: int) -> Tensor:
    """Apply the inverse and adjoint of `fft1c`."""
    return torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(y, dim=dim), dim=dim, norm="ortho"), dim=dim)


def mirror(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Mirror x[n] -> x[-n] about the centre N // 2 of each of `dims`, images as k-space: the transform commutes."""
    if not dims:
        return x
    # for even N, flipping alone would move the centre by one sample
    return torch.roll(x.flip(dims), [1 - x.shape[dim] % 2 for dim in dims], dims)


def centre_crop(x: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the central (h, w) part of the last two dimensions, with N // 2 moved to n // 2.

    In k-space this lowers the resolution and keeps the field of view, in the image the reverse. With the
    orthonormal transform, cropping k-space from N to n points also scales the image by sqrt(N / n).
    """
    (height, width), (h, w) = x.shape[-2:], shape
    top, left = height // 2 - h // 2, width // 2 - w // 2
    return x[..., top : top + h, left : left + w]


def centre_pad(x: Tensor, shape: tuple[int, int]) -> Tensor:
    """Put zeros around the last two dimensions up to (H, W): the adjoint of `centre_crop`."""
    (h, w), (height, width) = x.shape[-2:], shape
    top, left = height // 2 - h // 2, width // 2 - w // 2
    padded = x.new_zeros((*x.shape[:-2], height, width))
    padded[..., top : top + h, left : left + w] = x
    return padded


def fourier_shift_phase(n: int, dtype: torch.dtype = torch.complex128, device: torch.device | None = None) -> Tensor:
    """Return the ramp exp(2 pi i c m / n), c = n // 2, m = 0 ... n - 1, that turns a plain FFT into a centred one.

    Centred DFT, k = k' - c and m = m' - c:
        exp(-2 pi i k m / n) = exp(-2 pi i k' m' / n) exp(2 pi i c k' / n) exp(2 pi i c m' / n) exp(-2 pi i c^2 / n)
    so multiplying by this ramp before and after, and by the conjugate of its entry at m = c, replaces both shifts.
    """
    c = n // 2
    # c m is reduced modulo n as an integer, so that large sizes lose no digits
    turns = (c * torch.arange(n, device=device) % n).to(torch.float64) / n
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns).to(dtype)
