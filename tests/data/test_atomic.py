"""Files on a disk that takes no more bytes, played by the system's limit on the size of a file."""

import contextlib
import os
import subprocess
import sys

import h5py
import pytest
import torch

from mrilab.data.atomic import atomic_path, write_atomic
from mrilab.data.masks import write_mask
from mrilab.data.nifti import write_nifti
from mrilab.data.results import write_reconstruction
from mrilab.data.scans import write_scan
from mrilab.errors import UserError
from mrilab.training.state import save_state

resource = pytest.importorskip("resource")  # Unix only


@contextlib.contextmanager
def room_for(size):
    """Let no file grow beyond `size` bytes. Python ignores the signal, so that writers see EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def state(path):
    network = torch.nn.Linear(100, 100)
    save_state(path, network, torch.optim.swa_utils.AveragedModel(network), torch.optim.Adam(network.parameters()), {})


def safetensors_pool(path):
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({"a": torch.zeros(10_000)}, temporary)


WRITERS = {
    "bytes": ("a.bin", lambda path: write_atomic(path, bytes(20_000))),
    "reconstruction": ("a.h5", lambda path: write_reconstruction(path, torch.ones(1, 64, 64, dtype=torch.complex64))),
    "scan": ("a.h5", lambda path: write_scan(path, torch.ones(1, 2, 64, 64, dtype=torch.complex64))),
    "mask": ("a.npy", lambda path: write_mask(path, torch.ones(200, 200, dtype=torch.bool), {})),
    "mask as a table": ("a.csv", lambda path: write_mask(path, torch.ones(200, 200, dtype=torch.bool), {})),
    "nifti": ("a.nii", lambda path: write_nifti(path, torch.rand(64, 64, 1).numpy(), None, "noise")),
    "state of a training": ("a.safetensors", state),
    "pool": ("a.safetensors", safetensors_pool),
}


@pytest.mark.parametrize("before", [None, b"an older one"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, name, before):
    file, write = WRITERS[name]
    path = tmp_path / file
    if before is not None:
        path.write_bytes(before)
    with (
        pytest.raises(UserError, match=rf"could not write .*{file} \(File too large\); free some space"),
        room_for(8192),
    ):
        write(path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if before is None else [before])


CHILD = """
import resource, sys, torch
from mrilab.data.results import write_reconstruction
from mrilab.errors import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_reconstruction("out.h5", torch.ones(1, 256, 256, dtype=torch.complex64))
except UserError as error:
    sys.exit(str(error))
"""


def test_hdf5_meets_no_full_disk_and_ends_without_a_crash(tmp_path):
    done = subprocess.run([sys.executable, "-c", CHILD], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1  # and not a signal
    assert done.stderr == "could not write out.h5 (File too large); free some space or choose another folder\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem", ["a" * 252, "뇌" * 84, os.fsdecode(b"\xff" * 252)])
def test_the_longest_names_can_be_written(tmp_path, stem):
    path = tmp_path / f"{stem}.h5"
    write_reconstruction(path, torch.ones(1, 8, 8, dtype=torch.complex64), attrs={"scan": stem})
    with h5py.File(path) as file:
        assert file.attrs["scan"] == stem.replace("\udcff", "?")
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(f"{stem}.h5")]


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="File name too long"):
        write_atomic(tmp_path / ("a" * 256), b"")
    assert list(tmp_path.iterdir()) == []
