"""The point-spread function of a sampling mask: what becomes of one bright pixel when the rest of k-space is zero."""

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import ifft2c


def point_spread(mask: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the point-spread function, complex64 (H, W), with peak 1 at the centre (H // 2, W // 2).

    The zero-filled image is the true image convolved, periodically, with this function over the effective acceleration.
    Full sampling gives 1 in the centre and 0 elsewhere; every R-th line gives R equal peaks, n / R pixels apart.

    Raises:
        UserError: the mask samples nothing.
    """
    sampled = mask.expand(shape)
    count = int(sampled.sum())
    if count == 0:
        raise UserError("a mask that samples nothing has no point-spread function; sample at least one point")
    return ifft2c(sampled.to(torch.complex64)) * (math.sqrt(math.prod(shape)) / count)


def largest_sidelobe(mask: Tensor, shape: tuple[int, int]) -> float:
    """Return the largest |point_spread| outside the central pixel, 0 to 1: 1 is a full ghost, little is like noise."""
    spread = point_spread(mask, shape).abs()
    spread[shape[0] // 2, shape[1] // 2] = 0
    return float(spread.max())
