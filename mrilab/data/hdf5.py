"""HDF5 files, opened and written such that every fault is told in a sentence and none is half-written."""

import importlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from mrilab.data.atomic import write_atomic
from mrilab.errors import UserError
from mrilab.faults import lacking

with suppress(ImportError):  # where it is installed, it brings HDF5 more compression filters
    importlib.import_module("hdf5plugin")

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
    return (
        f"{path} is not an HDF5 file, or is damaged; give a scan in the fastMRI layout, into which `mrilab convert` "
        "brings others"
    )


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
