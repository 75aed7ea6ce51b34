"""Pairs of k-space: of a real image, the value at -k is the conjugate of the value at k, so one of them tells both."""

from functools import lru_cache

import torch
from torch import Tensor

from mrilab.physics.fourier import PLANE, mirror


def partners(mask: Tensor) -> Tensor:
    """Return the mask at the mirrored positions, m_i' at place i. (..., H, W), (..., 1, W) or (..., H, 1) alike."""
    return mirror(mask, PLANE)


@lru_cache(maxsize=16)
def own_partner(shape: tuple[int, int]) -> Tensor:
    """Return the points that are their own partner, bool (H, W): DC, and Nyquist where a side is even.

    >>> int(own_partner((8, 8)).sum()), int(own_partner((7, 7)).sum()), int(own_partner((1, 8)).sum())
    (4, 1, 2)
    """
    height, width = shape
    number = torch.arange(height * width).reshape(shape)
    return mirror(number, PLANE) == number


def redundancy(mask: Tensor, shape: tuple[int, int]) -> float:
    """Return the share of samples whose partner is sampled, too, among those that have one: (43) of Peng et al. 2026.

    `mask` is bool, broadcastable to `shape`. Points that are their own partner count nowhere. A mask of nothing else
    has redundancy 0.
    """
    paired = mask.expand(shape) & ~own_partner(shape).to(mask.device)
    both = paired & partners(paired)
    return int(both.sum()) / max(1, int(paired.sum()))
