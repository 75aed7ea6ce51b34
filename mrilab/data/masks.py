"""Sampling masks as files: HDF5, NumPy, or a table of positions counted from DC."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from mrilab.data.atomic import write_atomic
from mrilab.data.results import write_datasets
from mrilab.errors import UserError

SUFFIXES = (".h5", ".npy", ".csv")
FIRST_LINE = "# mask of {} x {} positions, counted from DC"


def is_mask_file(name: str) -> bool:
    """Return whether a name of a mask is that of a file, by its ending."""
    return Path(name).suffix.lower() in SUFFIXES


def write_mask(path: str | Path, mask: Tensor, attrs: Mapping) -> None:
    """Write a mask, bool (1, W), (H, 1) or (H, W), whole or not at all, in the format that the name ends in.

    HDF5 has it as `mask` with the attributes, NumPy as bool, CSV as the positions of the samples counted from DC.

    Raises:
        UserError: another ending, or a place that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".h5":
        write_datasets(path, {"mask": mask}, attrs)
        return
    if suffix not in SUFFIXES:
        raise UserError(f"{path} must end in {', '.join(SUFFIXES)}")
    if suffix == ".npy":
        content = io.BytesIO()
        np.save(content, mask.numpy())
        write_atomic(path, content.getbuffer())
    else:
        lines = [FIRST_LINE.format(*mask.shape), "row,column"]
        lines += [f"{row},{column}" for row, column in positions(mask)]
        write_atomic(path, ("\n".join(lines) + "\n").encode())


def positions(mask: Tensor) -> list[tuple[int, int]]:
    """Return row and column of each sample, counted from DC at N // 2; of lines, the one that does not vary is 0."""
    found = torch.nonzero(mask) - torch.tensor(_dc(mask.shape))
    return [(int(row), int(column)) for row, column in found]


def read_mask(path: str | Path, shape: tuple[int, int]) -> Tensor:
    """Return the mask of a file for scans of `shape`, bool (1, W), (H, 1) or (H, W). A vector (W,) is one of columns.

    Raises:
        UserError: a file that cannot be read or holds no mask, another shape, values other than 0 and 1, no sample.
    """
    path = Path(path)
    try:
        array = _READERS[path.suffix.lower()](path)
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise UserError(f"cannot read a mask from {path} ({error}); give one that `mrilab mask` wrote") from error
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path} holds {array.dtype}, not a mask of 0 and 1")
    if array.ndim == 1:
        array = array[None]
    height, width = shape
    if array.shape not in ((1, width), (height, 1), (height, width)):
        size = " x ".join(map(str, array.shape))
        raise UserError(f"{path} has {size} positions, the scan {height} x {width}; make a mask of that shape")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"{path} holds values that are not finite; a mask is 0 and 1")
    if not np.isin(array, (0, 1)).all():
        raise UserError(f"{path} holds values other than 0 and 1; draw a mask from them first")
    if not array.any():
        raise UserError(f"{path} samples nothing; give a mask with samples")
    return torch.from_numpy(array.astype(bool))


def read_npy(path: Path) -> np.ndarray:
    """Read the one array of a NumPy file, without pickles. Raises ValueError or OSError where that cannot be done."""
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("it holds more than one array")
    return array


def _dc(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n // 2 if n > 1 else 0 for n in shape)


def _read_h5(path: Path) -> np.ndarray:
    with h5py.File(path, "r") as file:
        return np.asarray(file["mask"])


def _read_csv(path: Path) -> np.ndarray:
    with path.open(newline="", encoding="utf-8") as file:
        size = re.fullmatch(FIRST_LINE.format(r"(\d+)", r"(\d+)"), file.readline().strip())
        if size is None:
            raise ValueError("its first line does not say how many positions there are")
        height, width = map(int, size.groups())
        mask = np.zeros((height, width), dtype=bool)
        for row in csv.DictReader(file):
            y, x = (int(row[key]) + dc for key, dc in zip(("row", "column"), _dc(mask.shape), strict=True))
            if not (0 <= y < height and 0 <= x < width):
                raise ValueError(f"position {row['row']},{row['column']} lies outside")
            mask[y, x] = True
    return mask


_READERS = {".h5": _read_h5, ".npy": read_npy, ".csv": _read_csv}
