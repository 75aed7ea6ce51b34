"""Scans that another program holds, or that were compressed with a filter that is not here."""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from mrilab.data import raw_file
from mrilab.data.scans import read_scan, write_scan
from mrilab.errors import UserError

HOLDER = """
import sys, h5py
file = h5py.File(sys.argv[1], "r+", libver="latest")
if sys.argv[2] == "swmr":
    file.swmr_mode = True
print("open", flush=True)
sys.stdin.read()
"""


def scan(path):
    write_scan(path, torch.randn(1, 2, 24, 20, dtype=torch.complex64))
    return path


@pytest.mark.parametrize("mode", ["alone", "swmr"])
def test_a_file_that_another_program_writes(tmp_path, mode):
    path = tmp_path / "scan.h5"
    with h5py.File(scan(tmp_path / "other.h5")) as source, h5py.File(path, "w", libver="latest") as file:
        for name in source:
            source.copy(name, file)
    command = [sys.executable, "-c", HOLDER, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match=r"scan\.h5 is open for writing in another program; close it there"):
            read_scan(path)
        holder.communicate("")
    assert read_scan(path).shape == (24, 20)


def compressed(path, code):
    """Write a scan whose only chunk is marked as filtered by `code`, which need not be known here."""
    with h5py.File(path, "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((1, 2, 24, 20))
        made.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (3,))  # one that is not optional must be there to write
        space = h5py.h5s.create_simple((1, 2, 24, 20))
        kind = h5py.h5t.py_create(np.dtype(np.complex64))
        data = h5py.h5d.create(file.id, b"kspace", kind, space, made)
        data.write_direct_chunk((0, 0, 0, 0), bytes(1000), 0)


@pytest.mark.parametrize(
    ("code", "name"), [(32015, r"filter 32015 \(Zstandard\)"), (32001, r"filter 32001 \(Blosc\)"), (511, "filter 511")]
)
def test_a_filter_that_is_not_here(tmp_path, code, name):
    if h5py.h5z.filter_avail(code):
        pytest.skip("this HDF5 has the filter")
    compressed(tmp_path / "scan.h5", code)
    with pytest.raises(UserError, match=rf"scan\.h5 is compressed with {name}, which .* hdf5plugin`, or .*h5repack"):
        read_scan(tmp_path / "scan.h5")


def test_a_file_without_that_filter_is_not_blamed_on_it(tmp_path):
    compressed(tmp_path / "scan.h5", 1)  # gzip, and the chunk is no such stream
    with pytest.raises(UserError, match="damaged"):
        read_scan(tmp_path / "scan.h5")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOLCK, "Unable to open file (unable to lock file, errno = 37)"), "HDF5_USE_FILE_LOCKING=FALSE"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read"),
        (MemoryError(), "could not be read: not enough memory"),
        (OSError("Can't read data (memory allocation failed for raw data chunk)"), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2048 bytes"), "2 KiB"),
    ],
)
def test_faults_of_other_machines(tmp_path, monkeypatch, error, said):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(raw_file, "Stored", fail)
    with pytest.raises(UserError, match=said):
        read_scan(scan(tmp_path / "scan.h5"))


@pytest.mark.parametrize("name", [b"scan \xff.h5", "뇌 $x_{$.h5".encode(), b"a" * 252 + b".h5"])
def test_strange_names_are_read_and_written(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    scan(path)
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    assert read_scan(path).attrs["patient_id"] == path.stem.replace("\udcff", "?")


def test_a_name_that_is_too_long_for_a_file_is_not_there(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        read_scan(tmp_path / ("a" * 300 + ".h5"))
