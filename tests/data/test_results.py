"""Reconstructions as files: fastMRI's layout, provenance, and whole or not at all whatever happens."""

import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from mrilab.data.results import write_reconstruction
from mrilab.data.scans import write_scan


@pytest.fixture
def images(generator):
    return 1e-6 * torch.randn(2, 16, 12, generator=generator, dtype=torch.complex64)


def test_everything_given_comes_back_and_nothing_else(tmp_path, images):
    mask = torch.arange(12)[None] % 3 == 0
    samples = torch.stack((images, 2 * images), 1)  # (slices, K, H, W)
    write_reconstruction(
        tmp_path / "a.h5", images, mask=mask, uncertainty=images.abs() / 10, samples=samples,
        attrs={"method": "langevin", "nominal_acceleration": None, "options": {"samples": 2}, "slices": [0, 1]},
    )  # fmt: skip
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"reconstruction", "reconstruction_complex", "uncertainty", "samples", "mask"}
        assert file["reconstruction"].dtype == np.float32
        np.testing.assert_array_equal(file["reconstruction"], images.abs())
        np.testing.assert_array_equal(file["reconstruction_complex"], images)
        np.testing.assert_array_equal(file["uncertainty"], images.abs() / 10)
        np.testing.assert_array_equal(file["samples"], samples)
        np.testing.assert_array_equal(file["mask"], mask[0])
        assert file.attrs["method"] == "langevin" and file.attrs["options"] == '{"samples": 2}'
        assert "nominal_acceleration" not in file.attrs
        assert {"mrilab_version", "torch_version", "numpy_version"} <= set(file.attrs)


def test_a_method_without_uncertainty_leaves_none(tmp_path, images):
    write_reconstruction(tmp_path / "a.h5", images.conj())
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"reconstruction", "reconstruction_complex"}
        np.testing.assert_array_equal(file["reconstruction_complex"], images.numpy().conj())


# Runs `mrilab recon`, and stops halfway through writing its first file for as long as the parent likes
CHILD = """
import sys, time
from pathlib import Path
def slowly(path, content):
    with path.open("wb") as file:
        file.write(content[:1000])
        file.flush()
        print("half written", flush=True)
        time.sleep(120)
Path.write_bytes = slowly
from mrilab.cli import main
sys.argv = "mrilab recon scan.h5 --method zero-filled --acceleration 2 --out out.h5".split()
main()
"""


@pytest.mark.parametrize("before", [None, b"an older result"])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_killed_while_writing_leaves_no_half_file(tmp_path, name, before):
    if os.name == "nt" or (before is not None and name != "SIGKILL"):
        pytest.skip("one signal tells about older files; Windows has no signals")
    write_scan(tmp_path / "scan.h5", torch.randn(1, 2, 16, 12, dtype=torch.complex64))
    if before is not None:
        (tmp_path / "out.h5").write_bytes(before)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "half written" in child.stdout.readline()
        child.send_signal(getattr(signal, name))
        _, errors = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode != 0 and "Traceback" not in errors
    assert ((tmp_path / "out.h5").read_bytes() if before else (tmp_path / "out.h5").exists()) == (before or False)
    assert not (tmp_path / "out.png").exists()
    if name != "SIGKILL":  # nobody can clean up after that one; a hidden temporary file stays
        assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.h5"]
