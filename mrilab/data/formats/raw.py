"""What a reader of raw data returns, and the checks that are the same for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

from mrilab.data.stored import SMALLEST
from mrilab.errors import UserError


@dataclass(frozen=True)
class Raw:
    """Hold raw data of one scan as `mrilab.data.scans.write_scan` takes them.

    Attributes:
        kspace: complex64 (slices, coils, H, W), H readout, W phase encoding, DC at N // 2; oversampling is left in.
        mask: what was sampled, bool (1, W) or (H, W); None where the k-space itself says it.
        attrs, header: attributes and header fields of the file to write.
        noise: samples without signal, complex64 (coils, n); None where the file has none.
    """

    kspace: Tensor
    mask: Tensor | None = None
    attrs: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)
    noise: Tensor | None = None


def check_size(shape: Sequence[int], path: Path) -> None:
    """Check the shape of k-space before it is read.

    Raises:
        UserError: nothing, fewer points a side than anything can be made of, or more than the memory holds.
    """
    height, width = shape[-2:]
    if min(height, width) < SMALLEST or 0 in shape:
        size = " x ".join(map(str, shape))
        raise UserError(f"{path} has {size} slices, coils, points and lines; {SMALLEST} points a side are needed")
    needed = 8 * float(np.prod(shape, dtype=float))
    if needed > psutil.virtual_memory().available:
        raise UserError(f"{path} needs {needed / 2**30:.1f} GiB of memory, more than is free; convert fewer slices")


def check_kspace(kspace: Tensor, path: Path) -> None:
    """Raise `UserError` where a slice of k-space (slices, coils, H, W) is not finite or all zero."""
    for number, each in enumerate(kspace):
        if not torch.isfinite(torch.view_as_real(each)).all():
            raise UserError(f"{path} has NaN or infinite values in slice {number}; export the scan again")
        if not each.any():
            raise UserError(f"{path} is all zero in slice {number}; export the scan again, or leave that slice out")


def padding(lines: Tensor) -> dict[str, int]:
    """Return fastMRI's attributes of zero padding around the first and last of the `lines` (W,) that are True."""
    there = torch.nonzero(lines)
    return {"padding_left": int(there[0]), "padding_right": int(there[-1]) + 1}
