"""The `mask` of a file: which layout it has, and whether it belongs to the k-space beside it."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.support import hull
from mrilab.errors import UserError

FEW = 0.1  # largest share of a mask's lines that may hold nothing


def as_mask(stored: np.ndarray, measured: Tensor, path: Path) -> Tensor:
    """Turn numbers (W,), (1, ..., W), (1, 1, W, 1), (H, 1) or (H, W) into bool (1, W), (H, 1) or (H, W).

    `measured` (H, W) decides where H = W and (W, 1) may mean both rows and columns.
    """
    height, width = measured.shape
    stored = np.asarray(stored)
    of_columns = stored.ndim > 2  # fastMRI code hands on (1, 1, W, 1) at times
    while stored.ndim > 2 and stored.shape[0] == 1:
        stored = stored[0]
    if stored.ndim == 2 and stored.shape == (width, 1):
        wrong = [int((torch.from_numpy(stored[:, 0] != 0) != measured.any(axis)).sum()) for axis in (0, 1)]
        if height != width or of_columns or wrong[0] < wrong[1]:
            stored = stored[:, 0]
    if stored.ndim == 1:
        stored = stored[None]
    if stored.ndim != 2 or stored.shape not in ((1, width), (height, 1), (height, width)):
        raise UserError(
            f"`mask` in {path} has the shape {tuple(stored.shape)}; k-space of {height} x {width} "
            f"needs ({width},) or ({height}, {width})"
        )
    if not np.isfinite(stored).all():
        raise UserError(f"`mask` in {path} has NaN or infinite values; 0 or 1 is needed for each line")
    return torch.from_numpy(stored != 0)


def check_agreement(mask: Tensor, measured: Tensor, path: Path) -> None:
    """Raise UserError where lines of a mask hold nothing, more than a few, between lines of (H, W) that do."""
    mask = mask.expand(measured.shape)  # (H, W)
    for axis in (0, 1):
        if not bool((mask == mask.narrow(axis, 0, 1)).all()):
            continue
        asked, lines = mask.any(axis), measured.any(axis)
        within = asked & hull(lines)
        empty = int((within & ~lines).sum())
        if empty <= FEW * int(within.sum()):
            continue
        first = bool(lines[torch.fft.fftshift(asked)].all())
        raise UserError(
            f"`mask` in {path} samples {empty} lines of `kspace` that hold nothing, of {int(within.sum())}; "
            + ("it has DC first: write numpy.fft.fftshift(mask)" if first else "give the mask of these data, or none")
        )
