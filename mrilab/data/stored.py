"""The dataset `kspace` of a file, in whatever type and order of axes it is stored, read a slice at a time."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import psutil
import torch
from torch import Tensor

from mrilab.data.layout import axis_order
from mrilab.errors import UserError

SMALLEST = 8  # smallest number of points along an axis; with fewer nothing can be estimated


class Stored:
    """The dataset `kspace` of an open file, complex or pairs of reals, seen as (slices, coil, H, W) or (slices, H, W).

    Raises:
        UserError: no such dataset, or of another type or shape than `axes` and the layout ask for.
    """

    def __init__(self, file: h5py.File, path: Path, axes: str | None = None):
        data = file.get("kspace")
        if not isinstance(data, h5py.Dataset):
            there = ", ".join(str(key) for key in file) or "nothing"
            raise UserError(
                f"{path} has no dataset `kspace` (it holds {there}); give a scan in the fastMRI layout, into which "
                "`mrilab convert` brings others"
            )
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
