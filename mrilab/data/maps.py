"""Coil maps of one's own from a file: NumPy, HDF5, or BART's .cfl and .hdr."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from mrilab.data.formats.bart import read_cfl
from mrilab.data.masks import read_npy
from mrilab.data.scans import Scan
from mrilab.errors import UserError
from mrilab.physics.coils import normalise_maps

SUFFIXES = (".npy", ".h5", ".hdf5", ".cfl", ".hdr")
DATASETS = ("maps", "coil_maps")  # names in HDF5, in the order in which they are looked for
TOLERANCE = 1e-3  # by how much squares that sum to 1 may miss it


@dataclass(frozen=True)
class OwnMaps:
    """Coil maps that somebody gives, complex64 (slices, coil, H, W) with squares summing to 1, and their source."""

    maps: Tensor
    source: str

    def part(self, scan: Scan) -> Tensor:
        """Return the maps of the one slice that `scan` holds, (coil, H, W). Maps of one slice serve all.

        Raises:
            UserError: maps of other coils, of another size, or of another number of slices. They are never resized.
        """
        slices, *found = self.maps.shape
        coils, height, width = scan.kspace.shape[1:]
        if found != [coils, height, width]:
            has = f"{found[0]} coils and {found[1]} x {found[2]} pixels"
            needs = f"{coils} and {height} x {width}"
            raise UserError(f"the coil maps ({self.source}) have {has}, {scan.path} {needs}; they are not resized")
        if slices not in (1, scan.n_slices):
            raise UserError(
                f"the coil maps ({self.source}) have {slices} slices, {scan.path} {scan.n_slices}; give as many, or 1"
            )
        return self.maps[scan.slices[0] if slices > 1 else 0]


def own_maps(source: Tensor | str | Path) -> OwnMaps:
    """Return coil maps from a file or a tensor, (coil, H, W) or (slices, coil, H, W), normalised; a note says if so.

    NumPy and HDF5 hold that shape, HDF5 as `maps` or `coil_maps`. BART has readout and phase encoding in its dimensions
    0 and 1, coils in 3, slices in 2 or 13, and one set of maps in 4.

    Raises:
        UserError: a file that cannot be read, an array of another type or shape, values that are not finite, maps of a
            slice that are all zero.
    """
    if isinstance(source, Tensor):
        maps, name, words = source.detach().cpu(), "the coil maps", "given"
    else:
        path = Path(source)
        maps, name, words = _read(path), str(path), f"file {path.name}"
    if not maps.is_complex() or maps.ndim not in (3, 4) or not maps.numel():
        kind = str(maps.dtype).removeprefix("torch.")
        shapes = "complex, (coil, H, W) or (slices, coil, H, W)"
        raise UserError(f"coil maps are {shapes}, but {name} has {kind} {tuple(maps.shape)}")
    maps = maps.to(torch.complex64)
    maps = maps if maps.ndim == 4 else maps[None]  # (slices, coil, H, W)
    if not torch.isfinite(torch.view_as_real(maps)).all():
        raise UserError(f"{name} has values that are not finite; export the coil maps again")
    energy = maps.abs().square().sum(1)  # (slices, H, W)
    if not energy.flatten(1).any(1).all():
        raise UserError(f"{name} has a slice in which all coil maps are zero; export them again")
    if bool(((energy > 0) & ((energy - 1).abs() > TOLERANCE)).any()):
        warnings.warn(f"the squares of {name} do not sum to 1, so the maps were normalised", stacklevel=2)
    return OwnMaps(normalise_maps(maps), words)


def _read(path: Path) -> Tensor:
    """Read an array of a file. Raises UserError where that cannot be done."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"coil maps come from a file that ends in {', '.join(SUFFIXES)}, not from {path}")
    if not path.exists():
        raise UserError(f"there is no file {path}; check the name")
    try:
        return torch.from_numpy(reader(path))
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise UserError(f"cannot read coil maps from {path} ({error}); export them again") from error


def _read_h5(path: Path) -> np.ndarray:
    with h5py.File(path, "r") as file:
        name = next((name for name in DATASETS if isinstance(file.get(name), h5py.Dataset)), None)
        if name is None:
            raise ValueError(f"it has no dataset {' or '.join(DATASETS)}")
        return np.asarray(file[name])


def _read_bart(path: Path) -> np.ndarray:
    array = np.array(read_cfl(path))  # into memory
    shape = array.shape
    if shape[4] > 1:
        raise ValueError(f"it holds {shape[4]} sets of maps; make one with `ecalib -m 1`")
    if shape[2] > 1 and shape[13] > 1 or any(n > 1 for axis, n in enumerate(shape) if axis not in (0, 1, 2, 3, 13)):
        raise ValueError(
            f"it has dimensions {list(shape)}; only readout, phase encoding, slices and coils may exceed 1"
        )
    array = np.moveaxis(array, 13, 0)  # (slices or 1, H, W, slices or 1, coil, 1 ...)
    return array.transpose(0, 3, 4, 1, 2, *range(5, array.ndim)).reshape(shape[2] * shape[13], shape[3], *shape[:2])


_READERS = {".npy": read_npy, ".h5": _read_h5, ".hdf5": _read_h5, ".cfl": _read_bart, ".hdr": _read_bart}
