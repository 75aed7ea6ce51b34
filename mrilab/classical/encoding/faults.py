"""What goes wrong on a scanner, planted into an image with the Fourier model: each function returns a spoilt image.

Images are complex (H, W). The readout runs down, along H; each phase encoding is a column of k-space.
"""

import math

import torch
from torch import Tensor

from mrilab.physics.fourier import fft1c, fft2c, ifft2c
from mrilab.physics.motion import moved_lines
from mrilab.physics.readout import read_out


def breathing(x: Tensor, pixels: float = 2.0, period: int = 8) -> Tensor:
    """Move the object up and down by `pixels`, with a period of so many lines."""
    line = torch.arange(x.shape[-1], dtype=torch.float64)
    down = pixels * torch.sin(2 * math.pi * line / period)
    return ifft2c(moved_lines(x, torch.stack([down, torch.zeros_like(down)], -1)))


def bad_field(x: Tensor, pixels: float = 8.0, width: float = 0.12, place: tuple[float, float] = (-0.2, 0.0)) -> Tensor:
    """Shift what lies near `place` along the readout, by `pixels` at most.

    The field's error is a Gaussian bell about `place`, with a deviation of `width`, both in fields of view.
    """
    height, columns = x.shape
    v, u = torch.meshgrid(*((torch.arange(n, dtype=torch.float64) - n // 2) / n for n in x.shape), indexing="ij")
    bell = torch.exp(-((v - place[0]) ** 2 + (u - place[1]) ** 2) / (2 * width**2))
    return ifft2c(read_out(x, 1.0, off_resonance=bell * pixels / height))  # dwell 1 ms: a pixel is 1 / H kHz


def small_view(x: Tensor, n: int) -> Tensor:
    """Measure only `n` lines, with a spacing that fits a field of view of `n` pixels: (H, W) -> (H, n)."""
    place = torch.arange(x.shape[-1], dtype=torch.float64) - x.shape[-1] // 2
    k = torch.arange(n, dtype=torch.float64) - n // 2
    waves = torch.polar(torch.ones(len(place), n, dtype=torch.float64), -2 * math.pi * place[:, None] * k / n)
    lines = fft1c(x.to(waves.dtype), -2) @ waves / math.sqrt(n)  # (H, n)
    return ifft2c(lines)


def spike(x: Tensor, down: int, right: int, size: float = 1.0) -> Tensor:
    """Add `size` times the largest value of k-space to one sample, so many samples from DC."""
    y = fft2c(x)
    y[x.shape[0] // 2 + down, x.shape[1] // 2 + right] += size * y.abs().max()
    return ifft2c(y)


def left_out(x: Tensor, share: float = 5 / 8) -> Tensor:
    """Keep the first `share` of the lines and fill the rest with zeros."""
    y = fft2c(x)
    y[:, round(share * x.shape[-1]) :] = 0
    return ifft2c(y)


def homodyne(y: Tensor) -> Tensor:
    """Return the image (H, W), real, of k-space y (H, W) with zeros in its last columns (Noll et al. 1991).

    The centre, measured on both sides, gives a smooth phase. Columns without a partner count twice, those of the
    centre between 0 and 2, so that each pair has weight 2. The real part is taken after the phase is removed.
    Noll, Nishimura, Macovski, IEEE Trans Med Imaging 1991; 10:154.
    """
    width = y.shape[-1]
    k = torch.arange(width, dtype=torch.float64) - width // 2
    last = int(y.abs().amax(-2).nonzero().max()) - width // 2  # columns -last ... last have partners
    centre = torch.where(k.abs() <= last, torch.cos(math.pi * k / (2 * (last + 1))) ** 2, 0)
    weight = (1 - k / (last + 0.5)).clamp(0, 2)
    phase = torch.sgn(ifft2c(y * centre))
    return (ifft2c(y * weight) * phase.conj()).real


# What the exercise shows without names, with settings other than the lesson's.
UNNAMED = {
    "1": lambda x: spike(x, 14, -9, 0.8),
    "2": lambda x: small_view(x, 88),
    "3": lambda x: breathing(x, 1.5, 5),
    "4": lambda x: bad_field(x, -9.0, 0.1, (0.05, -0.15)),
    "5": lambda x: left_out(x, 9 / 16),
}
