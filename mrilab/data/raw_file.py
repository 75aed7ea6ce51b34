"""Everything of a scan's HDF5 file that is read, as it is stored: k-space, mask, image, noise, header."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from torch import Tensor

from mrilab.data.hdf5 import open_hdf5
from mrilab.data.layout import check_axes
from mrilab.data.stored import Stored
from mrilab.errors import UserError

IMAGES = ("reconstruction_rss", "reconstruction_esc")  # what may be stored beside k-space
MOST_NOISE = 2**25  # noise samples that are read: 256 MiB


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
