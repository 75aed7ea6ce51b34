"""The HDF5 side of a scan: open the file, check it, read slices. Every fault is told in a sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import psutil
import torch
from torch import Tensor

from mrilab.data.layout import axis_order, check_axes
from mrilab.errors import UserError

IMAGES = ("reconstruction_rss", "reconstruction_esc")  # what may be stored beside k-space
MOST_NOISE = 2**25  # noise samples that are read: 256 MiB
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
    noise: np.ndarray | None


def read_file(path: Path, slice: int | None = None, axes: str | None = None) -> RawFile:
    """Read all slices, or a single one. Raise `UserError` as `mrilab.data.scans.read_scan` says."""
    with open_hdf5(path) as file:
        data = Stored(file, path, axes)
        n_slices = data.shape[0]
        if axes is None:
            check_axes(data.shape, _images(file), path)
        if slice is not None and not -n_slices <= slice < n_slices:
            raise UserError(f"{path} has no slice {slice}; it has {n_slices}, numbered 0 to {n_slices - 1}")
        numbers = tuple(range(n_slices)) if slice is None else (slice % n_slices,)
        kspace = data.read(numbers)
        mask = _mask(file, data, path)
        reference = _reference(file, data, numbers)
        attrs = {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in file.attrs.items()}
        return RawFile(
            kspace, numbers, n_slices, _text(file.get("ismrmrd_header")), attrs, mask, reference, _noise(file)
        )


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open for reading, and do nothing else inside: whatever h5py raises there means that the file is damaged.

    Raises:
        UserError: a file that is missing, a folder, not HDF5, cut short, damaged.
    """
    if not path.exists():
        raise UserError(f"there is no file {path}; check the name")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the HDF5 file inside it")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except UserError:
        raise
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions") from error
    except Exception as error:  # on damage h5py raises OSError, KeyError, RuntimeError, ValueError, TypeError
        if "truncated" in str(error):
            raise UserError(f"{path} is cut short; copy or download it again") from error
        raise UserError(f"{path} is not an HDF5 file, or is damaged; give a scan in the fastMRI layout") from error


class Stored:
    """The dataset `kspace` of an open file, complex or pairs of reals, seen as (slices, coil, H, W) or (slices, H, W).

    Raises:
        UserError: no such dataset, or of another type or shape than `axes` and the layout ask for.
    """

    def __init__(self, file: h5py.File, path: Path, axes: str | None = None):
        data = file.get("kspace")
        if not isinstance(data, h5py.Dataset):
            there = ", ".join(str(key) for key in file) or "nothing"
            raise UserError(f"{path} has no dataset `kspace` (it holds {there}); give a scan in the fastMRI layout")
        self.data, self.path = data, path
        self.pairs = data.dtype.kind == "f" and len(data.shape) in (4, 5) and data.shape[-1] == 2
        stored = data.shape[:-1] if self.pairs else data.shape
        if not (self.pairs or data.dtype.kind == "c" or _complex_names(data.dtype)):
            raise UserError(f"`kspace` in {path} has the type {data.dtype}; it must be complex")
        if len(stored) not in (3, 4):
            raise UserError(
                f"`kspace` in {path} has the shape {data.shape}; it must be (slices, coils, H, W) or (slices, H, W)"
            )
        if 0 in stored:
            raise UserError(f"`kspace` in {path} is empty: its shape is {data.shape}")
        self.order = axis_order(axes, len(stored), path)
        self.shape = tuple(stored[axis] for axis in self.order)
        height, width = self.shape[-2:]
        if min(height, width) < SMALLEST:
            raise UserError(f"`kspace` in {path} has only {height} x {width} points; {SMALLEST} a side are needed")

    @property
    def size(self) -> int:
        """Return the number of points, all slices and coils together."""
        return int(np.prod(self.shape))

    def read(self, chosen: Sequence[int]) -> Tensor:
        """Read only the chosen slices: (slices, coil, H, W) complex64.

        Raises:
            UserError: more than the memory holds, NaN, infinity, a slice that is all zero.
        """
        path, plane = self.path, self.shape[1:]
        needed = 8 * len(chosen) * int(np.prod(plane, dtype=float))
        if needed > psutil.virtual_memory().available:
            need = f"{needed / 2**30:.1f} GiB of memory"
            raise UserError(f"{path} needs {need}, more than is free; read one slice at a time")
        kspace = torch.empty((len(chosen), *plane), dtype=torch.complex64)
        for n, number in enumerate(chosen):
            values = self._slice(number)
            if not np.isfinite(values).all():
                raise UserError(
                    f"`kspace` in {path} has NaN or infinite values in slice {number}; export the scan again"
                )
            if not values.any():
                raise UserError(f"`kspace` in {path} is all zero in slice {number}; choose another slice or file")
            kspace[n] = torch.from_numpy(values)
        return kspace if kspace.ndim == 4 else kspace[:, None]  # a single coil: (slices, 1, H, W)

    def _slice(self, number: int) -> np.ndarray:
        """Return one slice, (coil, H, W) or (H, W), complex64."""
        values = self.data[(*[slice(None)] * self.order[0], number)]
        if self.data.dtype.names:
            real, imag = self.data.dtype.names
            values = values[real] + 1j * values[imag]
        elif self.pairs:
            values = values[..., 0] + 1j * values[..., 1]
        left = [axis - (axis > self.order[0]) for axis in self.order[1:]]  # places without the axis of slices
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite and is refused
            return np.ascontiguousarray(values.transpose(left), dtype=np.complex64)


def _complex_names(dtype: np.dtype) -> bool:
    return dtype.names in (("real", "imag"), ("r", "i")) and all(dtype[n].kind == "f" for n in dtype.names)


def _mask(file: h5py.File, data: Stored, path: Path) -> np.ndarray | None:
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


def _reference(file: h5py.File, data: Stored, numbers: Sequence[int]) -> np.ndarray | None:
    """Read the slices of the stored image; None if its rank, type or number of slices does not fit."""
    for key in IMAGES:
        stored = file.get(key)
        if isinstance(stored, h5py.Dataset) and stored.dtype.kind == "f" and stored.ndim == 3:
            if len(stored) == data.shape[0] and 0 < stored.size <= data.size:
                return np.stack([stored[n] for n in numbers]).astype(np.float32)
    return None


def _noise(file: h5py.File) -> np.ndarray | None:
    """Read the noise measurement, complex (coil, n); None if there is none, or another thing of that name."""
    noise = file.get("noise")
    if not isinstance(noise, h5py.Dataset) or noise.dtype.kind != "c" or noise.ndim != 2 or noise.size > MOST_NOISE:
        return None
    return noise[()].astype(np.complex64)


def _text(data: object) -> bytes | str:
    """Return the header as text. For a scalar h5py returns bytes, or an array that holds them."""
    if not isinstance(data, h5py.Dataset) or data.size != 1:
        return ""
    value = data[()]
    value = value.flat[0] if isinstance(value, np.ndarray) else value
    return value if isinstance(value, bytes | str) else ""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `path` into a sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"could not write {path} ({reason}); free some space or choose another folder") from error
