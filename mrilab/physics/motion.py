"""Motion between lines: each line of k-space is measured with the object at another place."""

import torch
from torch import Tensor

from mrilab.physics.fourier import fft2c


def moved_lines(x: Tensor, shifts: Tensor) -> Tensor:
    """Return the k-space (H, W) of an image x (H, W) that lies elsewhere for each phase encoding.

    `shifts` (W, 2) are the displacements down and to the right in pixels, for each column of k-space. A displacement
    turns the phase of a line and leaves its magnitude as it is.
    """
    height, width = x.shape
    kh, kw = (torch.arange(n, dtype=torch.float64, device=x.device) - n // 2 for n in (height, width))
    down, right = shifts.to(kh).unbind(-1)  # (W,) each
    turns = kh[:, None] * down / height + kw * right / width
    y = fft2c(x)
    return y * torch.polar(torch.ones_like(turns), -2 * torch.pi * turns).to(y.dtype)
