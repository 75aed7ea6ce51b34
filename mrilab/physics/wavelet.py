"""Orthogonal 2-D wavelet transform as strided convolutions, for complex images in batches and on any device."""

import pywt
import torch
import torch.nn.functional as F
from torch import Tensor

from mrilab.errors import UserError


class Wavelet2d:
    """Periodic orthonormal discrete wavelet transform with PyWavelets' filters (its mode "periodization").

    Works on real channels: a complex image is two of them, so the filters stay real. One level is one convolution with
    stride 2 by the four outer products of low-pass and high-pass filter; its adjoint, which is its inverse, is the
    transposed convolution.

    Args:
        name: an orthogonal wavelet of PyWavelets ("db2", "db4", "sym4", "haar").
        levels: how often the low-pass part is split again; sides are padded with zeros to multiples of 2^levels.
    """

    def __init__(self, name: str = "db2", levels: int = 4):
        wavelet = pywt.Wavelet(name)
        if not wavelet.orthogonal:
            raise UserError(f"wavelet {name!r} is not orthogonal; choose haar, dbN, symN or coifN")
        # PyWavelets convolves, torch correlates: the filters are flipped
        low, high = (torch.tensor(f[::-1], dtype=torch.float64) for f in wavelet.filter_bank[:2])
        bank = [torch.outer(a, b) for a in (low, high) for b in (low, high)]  # LL, LH, HL, HH
        self.analysis = torch.stack(bank)[:, None]  # (4, 1, taps, taps)
        self.margin = len(low) // 2 - 1
        # The transposed convolution, written as a plain one: the two phases of a row of the image, interleaved later,
        # each see every second tap, in reversed order. (4, taps, taps) -> (2 2 phases, 4 bands, taps/2, taps/2)
        phases = torch.stack(bank).unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).flip(1, 3)
        self.synthesis = phases.permute(2, 4, 0, 1, 3).flatten(0, 1).contiguous()
        self.levels = levels

    def forward(self, x: Tensor) -> list[Tensor]:
        """Transform real images (n, 1, H, W) to [LL, details of the coarsest level, ..., of the finest]."""
        filters = self.analysis.to(x)
        step = 2**self.levels
        x = F.pad(x, (0, -x.shape[-1] % step, 0, -x.shape[-2] % step))
        details = []
        for _ in range(self.levels):
            bands = F.conv2d(_wrap(x, self.margin), filters, stride=2)  # (n, 4, H/2, W/2)
            details.append(bands[:, 1:])
            x = bands[:, :1]
        return [x, *reversed(details)]

    def adjoint(self, coefficients: list[Tensor], shape: tuple[int, int]) -> Tensor:
        """Return images (n, 1, H, W) from coefficients: the inverse of `forward`, and its adjoint for any `shape`."""
        x, *details = coefficients
        filters = self.synthesis.to(x)
        m = self.margin
        for bands in details:
            height, width = 2 * bands.shape[-2], 2 * bands.shape[-1]
            bands = _wrap(torch.cat((x, bands), 1), m)  # (n, 4, H/2 + 2m, W/2 + 2m)
            phases = F.conv2d(bands, filters)  # (n, 4, H/2 + m, W/2 + m)
            x = F.pixel_shuffle(phases, 2)[..., m : m + height, m : m + width]
        return x[..., : shape[0], : shape[1]]

    def soft_threshold(self, x: Tensor, threshold: Tensor, shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Shrink the detail coefficients of complex images (n, H, W) towards zero, phase kept; (n,) thresholds.

        This is the proximal operator of threshold * ||W x||_1 where both sides are multiples of 2^levels, because W is
        then orthonormal. The coarsest low-pass band is not sparse and is left alone. `shift` rolls the image before and
        back after: shifts that change from call to call (cycle spinning, Coifman and Donoho 1995) keep the dyadic grid
        from showing.
        """
        shape = (x.shape[-2], x.shape[-1])
        rolled = torch.roll(x, shift, (-2, -1))
        # (n, H, W) complex -> (2, n, H, W): real and imaginary parts as images of their own
        channels = torch.view_as_real(rolled).movedim(-1, 0)
        coefficients = self.forward(channels.reshape(-1, 1, *shape))
        for bands in coefficients[1:]:
            pair = bands.view(2, -1, *bands.shape[1:])  # (2, n, 3, h, w)
            magnitude = torch.hypot(pair[0], pair[1])  # (n, 3, h, w); vector_norm over a leading dim is 20x slower
            limit = threshold.to(magnitude).reshape(-1, 1, 1, 1)
            # 1 - limit / max(magnitude, limit) is 0 below the threshold and needs no epsilon
            floor = limit.clamp(min=torch.finfo(magnitude.dtype).tiny)
            pair *= 1 - limit / torch.maximum(magnitude, floor)
        channels = self.adjoint(coefficients, shape).view(2, *x.shape)
        return torch.roll(torch.complex(channels[0], channels[1]), (-shift[0], -shift[1]), (-2, -1))


def _wrap(x: Tensor, margin: int) -> Tensor:
    """Put a periodic margin on all sides, in PyWavelets' alignment."""
    if margin > min(x.shape[-2:]):  # a band smaller than its margin goes round more than once
        rows, columns = (torch.arange(-margin, n + margin, device=x.device) % n for n in x.shape[-2:])
        return x[..., rows[:, None], columns]
    return F.pad(x, (margin,) * 4, mode="circular") if margin else x
