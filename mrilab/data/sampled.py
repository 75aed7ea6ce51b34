"""Which points of a stored k-space were measured: prospective sampling, padding, and masks beside full data."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mrilab.data.stored_mask import as_mask, check_agreement
from mrilab.data.support import FULL, filled, hull, padded_columns, rounded
from mrilab.errors import UserError


class Sampling(NamedTuple):
    """What was measured of a k-space plane, as `Scan` holds it.

    mask: prospective sampling, bool (1, W), (H, 1) or (H, W); None if all that was acquired was sampled.
    acquired: what is not padding, bool of the same shapes; None if all is acquired.
    beside: the mask that a file has beside k-space that is fully sampled all the same; None in other files.
    """

    mask: Tensor | None
    acquired: Tensor | None
    beside: Tensor | None = None


def find_sampling(stored: np.ndarray | None, kspace: Tensor, attrs: dict, header: dict, path: Path) -> Sampling:
    """Return what was measured of k-space (slices, coil, H, W). `stored` is the file's `mask`.

    Columns are padding where `padded_columns` says so. In a scan without a `mask`, everything is that lies outside the
    area of its nonzero points: the sides that partial Fourier and asymmetric echoes leave out, and the corners of
    elliptical k-space. Lines or points missing *inside* that area make a mask: a scan with holes is no reference. Zeros
    that rounding has made are no holes.

    Raises:
        UserError: a mask of another shape, with other values than numbers, that samples no acquired point, or many
            lines that hold nothing.
    """
    measured = (kspace != 0).any(0).any(0)  # (slices, coil, H, W) -> (H, W)
    columns = padded_columns(measured.any(0), attrs, header)
    area = torch.ones_like(measured) if columns is None else columns.expand_as(measured)  # (H, W)
    if stored is None:
        acquired, mask = _area(measured & area, kspace)
        if mask is not None:
            warnings.warn(f"{path} has no `mask`, but its k-space has holes: it is taken as undersampled", stacklevel=3)
        return Sampling(_narrow(mask), _narrow(acquired))
    mask = as_mask(stored, measured, path)
    check_agreement(mask, measured, path)
    # a mask may count columns that hold nothing: the padding
    sampled = mask & measured.any(0) & area  # (H, W)
    if not sampled.any():
        raise UserError(f"the `mask` in {path} samples nothing that was acquired; the scan cannot be used")
    acquired, holes = _area(measured & area, kspace)
    if holes is None and bool((acquired & ~mask).any()):  # the data know more than the mask
        warnings.warn(
            f"{path} has a `mask`, but its k-space is fully sampled: the mask undersamples it, and the result is "
            "measured against the full data; --acceleration takes another mask",
            stacklevel=3,
        )
        return Sampling(None, _narrow(acquired), _narrow(sampled & acquired))
    if bool((sampled | ~area).all()):
        return Sampling(None, _narrow(area))
    return Sampling(_narrow(sampled), _narrow(area))


def _area(measured: Tensor, kspace: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the acquired area (H, W) of the nonzero points `measured` (H, W), and the mask of a scan with holes."""
    columns, rows = measured.any(0), measured.any(1)
    box = hull(rows)[:, None] & hull(columns)
    lines = rows[:, None] & columns  # (H, W)
    inside = filled(measured) & lines
    if float(measured[inside].float().mean()) < FULL and not rounded(kspace, lines):
        return box, measured
    if not bool((lines | ~box).all()):
        return box, lines
    return (filled(measured) if bool(measured[inside].all()) else box), None


def _narrow(points: Tensor | None) -> Tensor | None:
    """Return points (H, W) as (1, W) or (H, 1) where they are lines, and None where they are everything."""
    if points is None or points.all():
        return None
    if bool((points == points[:1]).all()):
        return points[:1]
    return points[:, :1] if bool((points == points[:, :1]).all()) else points
