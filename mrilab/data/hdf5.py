"""The HDF5 side of a scan: open the file, check it, read slices. Every fault is told in a sentence."""

import importlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import psutil
import torch
from torch import Tensor

from mrilab.data.atomic import write_atomic
from mrilab.data.layout import check_axes
from mrilab.errors import UserError
from mrilab.faults import lacking

with suppress(ImportError):  # where it is installed, it brings HDF5 more compression filters
    importlib.import_module("hdf5plugin")

IMAGES = ("reconstruction_rss", "reconstruction_esc")  # what may be stored beside k-space
FILTERS = {  # those that scans are met with, by the numbers of the HDF Group
    307: "bzip2",
    32000: "LZF",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32026: "Blosc2",
}
SMALLEST = 8  # smallest number of points along an axis; with fewer nothing can be estimated


@dataclass(frozen=True)
class RawFile:
    """Hold what was read of a file: kspace (slices, coil, H, W) complex64, the rest as stored, numpy or text."""

    kspace: Tensor
    numbers: tuple[int, ...]
    n_slices: int
    header: bytes | str
    attrs: dict
    mask: np.ndarray | None
    reference: np.ndarray | None


def read_file(path: Path, slice: int | None = None) -> RawFile:
    """Read all slices, or a single one. Raise `UserError` as `mrilab.data.scans.read_scan` says."""
    with open_hdf5(path) as file:
        data = kspace_dataset(file, path)
        n_slices = data.shape[0]
        check_axes(data.shape[:-1] if _has_real_pairs(data) else data.shape, _images(file), path)
        if slice is not None and not -n_slices <= slice < n_slices:
            raise UserError(f"{path} has no slice {slice}; it has {n_slices}, numbered 0 to {n_slices - 1}")
        numbers = tuple(range(n_slices)) if slice is None else (slice % n_slices,)
        kspace = read_slices(data, numbers, path)
        mask = _mask(file, data, path)
        reference = _reference(file, data, numbers)
        attrs = {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in file.attrs.items()}
        return RawFile(kspace, numbers, n_slices, _text(file.get("ismrmrd_header")), attrs, mask, reference)


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open for reading, and do nothing else inside: what h5py raises there is told as a fault of the file.

    Raises:
        UserError: a file that is missing, a folder, not HDF5, cut short, damaged, open for writing in another program,
            compressed by a filter that is not there, or larger than the memory.
    """
    if not os.path.exists(path):
        raise UserError(f"there is no file {path}; check the name")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the HDF5 file inside it")
    try:
        with h5py.File(path, "r") as file:
            try:
                yield file
            except (OSError, RuntimeError) as error:
                if filters := _missing_filters(file):
                    raise UserError(
                        f"{path} is compressed with {', '.join(filters)}, which HDF5 lacks here; `pip install "
                        "hdf5plugin`, or write the file anew with `h5repack -f NONE` where the filter is"
                    ) from error
                raise
    except UserError:
        raise
    except Exception as error:  # on damage h5py raises OSError, KeyError, RuntimeError, ValueError, TypeError
        raise UserError(_fault(error, path)) from error


def _fault(error: Exception, path: Path) -> str:
    """Return in a sentence why h5py could not open or read a file."""
    text = str(error)
    if isinstance(error, BlockingIOError) or "already open for write" in text:
        return f"{path} is open for writing in another program; close it there, or copy the file first"
    if "lock file" in text:
        return f"{path} lies in a file system that cannot lock files; set HDF5_USE_FILE_LOCKING=FALSE, or copy the file"
    if isinstance(error, PermissionError):
        return f"{path} may not be read; change its permissions"
    if "truncated" in text:
        return f"{path} is cut short; copy or download it again"
    if lack := lacking(error):
        return f"{path} could not be read: {lack}"
    return f"{path} is not an HDF5 file, or is damaged; give a scan in the fastMRI layout"


def _missing_filters(file: h5py.File) -> list[str]:
    """Return the filters that datasets of the file were written with and this HDF5 has not, in words."""
    found: dict[int, str] = {}

    def look(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            made = item.id.get_create_plist()
            for number, _, _, name in (made.get_filter(n) for n in range(made.get_nfilters())):
                if not h5py.h5z.filter_avail(number):
                    found[number] = FILTERS.get(number) or name.decode("utf-8", "replace")

    file.visititems(look)
    return [f"filter {number} ({name})" if name else f"filter {number}" for number, name in found.items()]


def kspace_dataset(file: h5py.File, path: Path) -> h5py.Dataset:
    """Return the dataset `kspace`, complex or pairs of reals, of rank 3 or 4, not empty. Nothing is read yet.

    Raises:
        UserError: no such dataset, or of another type or shape.
    """
    data = file.get("kspace")
    if not isinstance(data, h5py.Dataset):
        there = ", ".join(str(key) for key in file) or "nothing"
        raise UserError(f"{path} has no dataset `kspace` (it holds {there}); give a scan in the fastMRI layout")
    shape = data.shape[:-1] if _has_real_pairs(data) else data.shape
    if not (_has_real_pairs(data) or data.dtype.kind == "c" or _complex_names(data.dtype)):
        raise UserError(f"`kspace` in {path} has the type {data.dtype}; it must be complex")
    if len(shape) not in (3, 4):
        raise UserError(
            f"`kspace` in {path} has the shape {data.shape}; it must be (slices, coils, H, W) or (slices, H, W)"
        )
    if 0 in shape:
        raise UserError(f"`kspace` in {path} is empty: its shape is {data.shape}")
    if min(shape[-2:]) < SMALLEST:
        raise UserError(f"`kspace` in {path} has only {shape[-2]} x {shape[-1]} points; {SMALLEST} a side are needed")
    return data


def _has_real_pairs(data: h5py.Dataset) -> bool:
    return data.dtype.kind == "f" and len(data.shape) in (4, 5) and data.shape[-1] == 2


def _complex_names(dtype: np.dtype) -> bool:
    return dtype.names in (("real", "imag"), ("r", "i")) and all(dtype[n].kind == "f" for n in dtype.names)


def read_slices(data: h5py.Dataset, chosen: Sequence[int], path: Path) -> Tensor:
    """Read only the chosen slices: (slices, coil, H, W) complex64.

    Raises:
        UserError: more than the memory holds, NaN, infinity, a slice that is all zero.
    """
    plane = data.shape[1:-1] if _has_real_pairs(data) else data.shape[1:]
    needed = 8 * len(chosen) * int(np.prod(plane, dtype=float))
    if needed > psutil.virtual_memory().available:
        raise UserError(f"{path} needs {needed / 2**30:.1f} GiB of memory, more than is free; read one slice at a time")
    kspace = torch.empty((len(chosen), *plane), dtype=torch.complex64)
    for n, number in enumerate(chosen):
        values = data[number]
        if data.dtype.names:
            real, imag = data.dtype.names
            values = values[real] + 1j * values[imag]
        elif data.dtype.kind == "f":
            values = values[..., 0] + 1j * values[..., 1]
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite and is refused below
            values = values.astype(np.complex64)
        if not np.isfinite(values).all():
            raise UserError(f"`kspace` in {path} has NaN or infinite values in slice {number}; export the scan again")
        if not values.any():
            raise UserError(f"`kspace` in {path} is all zero in slice {number}; choose another slice or file")
        kspace[n] = torch.from_numpy(values)
    return kspace if kspace.ndim == 4 else kspace[:, None]  # a single coil: (slices, 1, H, W)


def _mask(file: h5py.File, data: h5py.Dataset, path: Path) -> np.ndarray | None:
    if "mask" not in file:
        return None
    mask = file["mask"]
    if not isinstance(mask, h5py.Dataset) or mask.dtype.kind not in "biuf":
        raise UserError(f"`mask` in {path} is not an array of numbers; 0 or 1 is needed for each line")
    if mask.size > data.size:  # checked before reading: a broken size must not fill the memory
        raise UserError(f"`mask` in {path} has the shape {mask.shape}, larger than `kspace` {data.shape}")
    return mask[()]


def _images(file: h5py.File) -> int | None:
    """Return how many images are stored beside k-space; None if there are none."""
    stored = (file.get(key) for key in IMAGES)
    return next((len(each) for each in stored if isinstance(each, h5py.Dataset) and each.ndim == 3), None)


def _reference(file: h5py.File, data: h5py.Dataset, numbers: Sequence[int]) -> np.ndarray | None:
    """Read the slices of the stored image; None if its rank, type or number of slices does not fit."""
    for key in IMAGES:
        stored = file.get(key)
        if isinstance(stored, h5py.Dataset) and stored.dtype.kind == "f" and stored.ndim == 3:
            if len(stored) == len(data) and 0 < stored.size <= data.size:
                return np.stack([stored[n] for n in numbers]).astype(np.float32)
    return None


def _text(data: object) -> bytes | str:
    """Return the header as text. For a scalar h5py returns bytes, or an array that holds them."""
    if not isinstance(data, h5py.Dataset) or data.size != 1:
        return ""
    value = data[()]
    value = value.flat[0] if isinstance(value, np.ndarray) else value
    return value if isinstance(value, bytes | str) else ""


@contextmanager
def writing(path: str | Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file in memory, and write it to `path`, whole or not at all.

    HDF5 must not meet a full disk: it would fail again whenever it closes the file, and end in a segmentation fault.

    Raises:
        UserError: a place that cannot be written.
    """
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        yield file
    write_atomic(path, content.getbuffer())
