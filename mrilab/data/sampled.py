"""Which points of a stored k-space were measured: prospective sampling and zero padding."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.errors import UserError

FULL = 0.9  # smallest share of nonzero points of a plane that counts as fully sampled without a `mask`


def find_sampling(
    stored: np.ndarray | None, kspace: Tensor, attrs: dict, header: dict, path: Path
) -> tuple[Tensor | None, Tensor | None]:
    """Return mask and acquired columns of k-space (slices, coil, H, W), as `Scan` holds them.

    Columns are padding where the attributes `padding_left` and `padding_right` say so (the first acquired column and
    the column after the last), or else the header's encoding limits where the data are indeed zero (both as in
    fastMRI's own reader), or, in a fully sampled scan, where the outer columns are zero. `stored` is the file's `mask`.
    Without it, lines or points missing *inside* the acquired area make a mask too: a scan with holes is no reference.

    Raises:
        UserError: a mask of another shape, with other values than numbers, or that samples no acquired point.
    """
    height, width = kspace.shape[-2:]
    measured = (kspace != 0).any(0).any(0)  # (slices, coil, H, W) -> (H, W)
    columns = _acquired_columns(measured.any(0), attrs, header)
    mask: Tensor | None
    if stored is not None:
        # a mask may count columns that hold nothing: the padding
        mask = _as_mask(stored, (height, width), path) & measured.any(0) & (True if columns is None else columns)
        if not mask.any():
            raise UserError(f"the `mask` in {path} samples nothing that was acquired; the scan cannot be used")
        if bool((mask == mask[:1]).all()):
            mask = mask[:1]  # the same in every row: lines
        elif bool((mask == mask[:, :1]).all()):
            mask = mask[:, :1]
    else:
        hull = _hull(measured.any(0))
        columns = hull if columns is None else columns & hull
        mask = _holes(measured, columns)
        if mask is not None:
            warnings.warn(f"{path} has no `mask`, but its k-space has holes: it is taken as undersampled", stacklevel=3)
    if columns is None or columns.all():
        columns = torch.ones(width, dtype=torch.bool)
    if mask is not None and bool((mask | ~columns).all()):
        mask = None
    return mask, None if columns.all() else columns[None]


def _acquired_columns(measured: Tensor, attrs: dict, header: dict) -> Tensor | None:
    """Return the acquired columns (W,) by attributes or header; None if they say nothing that can be true."""
    width = len(measured)
    stated = all(isinstance(attrs.get(key), int | np.integer) for key in ("padding_left", "padding_right"))
    if stated:
        left, right = int(attrs["padding_left"]), int(attrs["padding_right"])
    elif header.get("encoded_matrix", (0, 0))[1] == width and {"phase_centre", "phase_maximum"} <= {*header}:
        left = width // 2 - header["phase_centre"]
        right = left + header["phase_maximum"] + 1
    else:
        return None
    if not 0 <= left < right <= width:
        return None
    columns = torch.zeros(width, dtype=torch.bool)
    columns[left:right] = True
    return columns if stated or not measured[~columns].any() else None


def _holes(measured: Tensor, columns: Tensor) -> Tensor | None:
    """Return the sampling inside the acquired area: None if full, else (1, W), (H, 1) or (H, W)."""
    lines, readouts = measured.any(0), measured.any(1)
    if float(measured[readouts][:, lines].float().mean()) < FULL:
        return measured & columns
    if not (lines | ~columns).all():
        return (lines & columns)[None]
    if not (readouts | ~_hull(readouts)).all():
        return readouts[:, None]
    return None


def _as_mask(stored: np.ndarray, shape: tuple[int, int], path: Path) -> Tensor:
    """Turn numbers (W,), (1, ..., W), (H, 1) or (H, W) into bool (1, W), (H, 1) or (H, W)."""
    height, width = shape
    stored = np.asarray(stored)
    while stored.ndim > 2 and stored.shape[0] == 1:  # fastMRI code hands on (1, 1, W, 1) at times
        stored = stored[0]
    if stored.ndim == 2 and stored.shape == (width, 1) and height != width:
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


def _hull(line: Tensor) -> Tensor:
    """Return True from the first to the last True."""
    return (line.cumsum(0) > 0) & (line.flip(0).cumsum(0).flip(0) > 0)
