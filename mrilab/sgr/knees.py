"""The pools of knees that the networks of lesson 4 learn from: slices through a condyle, where all cartilage is."""

from torch import Tensor

from mrilab.data.pool import knee_pool

COUNTS = {"train": 300, "val": 32}  # number of knees in the pool of a split
FEW = 8  # the same where the images are only for trying out, below FEW_BELOW pixels
FEW_BELOW = 64


def condyle_knees(split: str, side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return images complex64 (knees, side, side) and labels uint8 of the same shape, see `mrilab.data.knee_pool`."""
    return knee_pool(pool_size(split, side), (side, side), split, seed)


def pool_size(split: str, side: int) -> int:
    """Return the number of knees in the pool of a split."""
    return FEW if side < FEW_BELOW else COUNTS[split]
