"""Which points of a stored k-space were measured: prospective sampling and zero padding."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.errors import UserError

FEW = 0.1  # largest share of a mask's lines that may hold nothing
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
        UserError: a mask of another shape, with other values than numbers, that samples no acquired point, or many
            lines that hold nothing.
    """
    width = kspace.shape[-1]
    measured = (kspace != 0).any(0).any(0)  # (slices, coil, H, W) -> (H, W)
    columns = _acquired_columns(measured.any(0), attrs, header)
    mask: Tensor | None
    if stored is not None:
        mask = _as_mask(stored, measured, path)
        _check_agreement(mask, measured, path)
        # a mask may count columns that hold nothing: the padding
        mask = mask & measured.any(0) & (True if columns is None else columns)
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
    left, right = (_whole(attrs.get(key)) for key in ("padding_left", "padding_right"))
    stated = left is not None and right is not None
    if left is None or right is None:
        if header.get("encoded_matrix", (0, 0))[1] != width or not {"phase_centre", "phase_maximum"} <= {*header}:
            return None
        left = width // 2 - header["phase_centre"]
        right = left + header["phase_maximum"] + 1
    if not 0 <= left < right <= width:
        return None
    columns = torch.zeros(width, dtype=torch.bool)
    columns[left:right] = True
    return columns if stated or not measured[~columns].any() else None


def _whole(value: object) -> int | None:
    """Return an attribute as a whole number, be it a number, an array of one, or text; None if it is none of these."""
    try:
        number = float(np.asarray(value).item())
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


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


def _as_mask(stored: np.ndarray, measured: Tensor, path: Path) -> Tensor:
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


def _check_agreement(mask: Tensor, measured: Tensor, path: Path) -> None:
    """Raise UserError where lines of a mask hold nothing, more than a few, between lines of (H, W) that do."""
    mask = mask.expand(measured.shape)  # (H, W)
    for axis in (0, 1):
        if not bool((mask == mask.narrow(axis, 0, 1)).all()):
            continue
        asked, lines = mask.any(axis), measured.any(axis)
        within = asked & _hull(lines)
        empty = int((within & ~lines).sum())
        if empty <= FEW * int(within.sum()):
            continue
        first = bool(lines[torch.fft.fftshift(asked)].all())
        raise UserError(
            f"`mask` in {path} samples {empty} lines of `kspace` that hold nothing, of {int(within.sum())}; "
            + ("it has DC first: write numpy.fft.fftshift(mask)" if first else "give the mask of these data, or none")
        )


def _hull(line: Tensor) -> Tensor:
    """Return True from the first to the last True."""
    return (line.cumsum(0) > 0) & (line.flip(0).cumsum(0).flip(0) > 0)
