"""The volume of a class in a segmentation."""

import torch
from torch import Tensor


def indicator(p: Tensor, c: int) -> Tensor:
    """Return where class `c` has a larger probability than every other class, bool (n, H, W). A tie does not count.

    `p` (n, 1 + classes, H, W) holds probabilities, or logits, whose order is the same.
    """
    others = torch.cat([p[:, :c], p[:, c + 1 :]], 1).amax(1)  # (n, H, W)
    # I_c = 1 where p^c > p^c' for all c' other than c    (8)
    return p[:, c] > others


def volume(p: Tensor, c: int, voxel: float = 1.0) -> Tensor:
    """Return the volume of class `c`, (n,), in units of `voxel`: ml, or pixels where it is 1."""
    # V_c = sum I_c V_voxel    (7)
    return indicator(p, c).sum((-2, -1)) * voxel
