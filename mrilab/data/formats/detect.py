"""Which format a file has, by what is in it, and the one function that reads raw data of any of them."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from mrilab.data.formats.bart import pair, read_bart
from mrilab.data.formats.fastmri import read_fastmri
from mrilab.data.formats.ismrmrd import measurements, read_ismrmrd
from mrilab.data.formats.npy import read_numpy
from mrilab.data.formats.raw import Raw
from mrilab.data.formats.skmtea import read_skmtea
from mrilab.data.hdf5 import open_hdf5
from mrilab.errors import UserError

READERS: dict[str, Callable[..., Raw]] = {
    "fastMRI": read_fastmri,
    "ISMRMRD": read_ismrmrd,
    "BART": read_bart,
    "SKM-TEA": read_skmtea,
    "NumPy": read_numpy,
}
RESULT = "result"  # of `mrilab recon`, which is no raw data
KNOWN = "fastMRI, ISMRMRD or SKM-TEA (HDF5), BART (.cfl and .hdr) and NumPy (.npy, .npz), and results of `mrilab recon`"


def find_format(path: str | Path) -> str:
    """Return a key of READERS, or RESULT.

    Raises:
        UserError: no such file, a damaged one, or an unknown format.
    """
    path = Path(path)
    if path.suffix.lower() in (".cfl", ".hdr") or (not path.exists() and pair(path)[1].is_file() and not path.suffix):
        return "BART"
    if not path.exists():
        raise UserError(f"there is no file {path}; check the name")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the file inside it")
    with path.open("rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY" or (start[:4] == b"PK\x03\x04" and path.suffix.lower() == ".npz"):
        return "NumPy"
    if h5py.is_hdf5(path):
        with open_hdf5(path) as file:
            found = _find_hdf5(file)
            there = ", ".join(str(key) for key in file) or "nothing"
        if found:
            return found
        raise UserError(f"{path} is HDF5 of an unknown format (it holds {there}); `mrilab convert` reads {KNOWN}")
    raise UserError(f"{path} has an unknown format, or is damaged; `mrilab convert` reads {KNOWN}")


def read_any(path: str | Path, **options: Any) -> tuple[str, Raw]:
    """Read raw data of any format, and return the name of the format with it.

    Args:
        options: what only some formats know: `encoding` (ISMRMRD), `echo`, `mask` and `slices` (SKM-TEA), `axes`
            (NumPy). None means that it was not asked for.

    Raises:
        UserError: an unknown format, an option that is none of this format's, whatever the reader says.
    """
    path = Path(path)
    name = find_format(path)
    if name == RESULT:
        raise UserError(f"{path} is a reconstruction, which holds no raw data; write it as .nii.gz, .cfl or .npy")
    asked = {key: value for key, value in options.items() if value is not None}
    for key in asked:
        owners = [each for each, reader in READERS.items() if key in inspect.signature(reader).parameters]
        if name not in owners:
            raise UserError(f"--{key} is for {' and '.join(owners) or 'nothing'}, but {path} is {name}; leave it out")
    return name, READERS[name](path, **asked)


def _find_hdf5(file: h5py.File) -> str | None:
    """Return the format of an HDF5 file; None if it is unknown."""
    data = file.get("kspace")
    if isinstance(data, h5py.Dataset):
        hybrid = len(data.shape) == 5 and data.dtype.kind == "c"
        return "SKM-TEA" if hybrid else "fastMRI"
    if isinstance(file.get("reconstruction"), h5py.Dataset):
        return RESULT
    return "ISMRMRD" if measurements(file) else None
