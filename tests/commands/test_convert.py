"""`mrilab convert`: formats in and out, images with the place of their voxels, and what is refused."""

import json
import sys

import h5py
import nibabel
import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.cli import main
from mrilab.data.scans import read_scan, write_scan

H, W, SLICES = 40, 32, 2
READ, PHASE, NORMAL = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
POSITION = np.array([[5.0, -10, 20], [5, -10, 26]])


@pytest.fixture
def mrilab(tmp_path, monkeypatch, capfd):
    """Run `mrilab ...` in a folder of its own; -> (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mrilab", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capfd.readouterr()
        return stop.value.code or 0, out, err

    return run


@pytest.fixture(scope="module")
def kspace():
    generator = torch.Generator().manual_seed(6)
    images = torch.stack([random_ellipses(6, generator).image((2 * H, 2 * W)) for _ in range(SLICES)])
    return simulate_scan(images, random_array(4, generator).maps((2 * H, 2 * W)), (H, W), 0.02, generator)


@pytest.fixture
def scan(tmp_path, kspace):
    """A scan in the fastMRI layout with noise, voxels of 2 x 1.5 x 5 mm, and positions 6 mm apart."""
    directions = {"read_dir": READ, "phase_dir": PHASE, "slice_dir": NORMAL}
    attrs = {"position": POSITION, **{name: np.tile(each, (SLICES, 1)) for name, each in directions.items()}}
    noise = torch.randn(4, 60, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    header = {"encoded_fov_mm": (2.0 * H, 1.5 * W, 5.0)}
    write_scan(tmp_path / "scan.h5", kspace, attrs=attrs, header=header, noise=noise)
    return noise


def recon(mrilab, *more):
    code, _, err = mrilab("recon", "cg-sense", "scan.h5", "--acceleration", 1, "--out", "result.h5", *more)
    assert code == 0, err


def test_raw_data_go_to_every_format_and_come_back(mrilab, scan, kspace, tmp_path):
    for ending in ("npz", "npy", "cfl"):
        code, out, err = mrilab("convert", "scan.h5", f"a.{ending}", "--json")
        assert code == 0, err
        summary = json.loads(out)
        assert summary["format"] == "fastMRI" and summary["shape"] == [H, W] and summary["coils"] == 4
        assert summary["written"] == (["a.cfl", "a.hdr"] if ending == "cfl" else [f"a.{ending}"])
        assert "header" in err and ("noise" in err) == (ending != "npz")
        code, out, err = mrilab("convert", f"a.{ending}", f"{ending}.h5")
        assert code == 0, err
        assert "2 slice(s) of 40 x 32 from 4 coil(s)" in out and f"{ending}.h5" in out
        assert torch.equal(read_scan(tmp_path / f"{ending}.h5").kspace, kspace)
        with h5py.File(tmp_path / f"{ending}.h5") as file:
            assert ("noise" in file) == (ending == "npz")
            if ending == "npz":
                np.testing.assert_array_equal(file["noise"][()], scan.numpy())


def test_a_result_becomes_nifti_with_its_voxels_in_place(mrilab, scan, tmp_path):
    recon(mrilab)
    code, out, err = mrilab("convert", "result.h5", "image.nii.gz", "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["orientation"] and summary["voxel_mm"] == [2.0, 1.5, 5.0]
    image = nibabel.load(tmp_path / "image.nii.gz")
    with h5py.File(tmp_path / "result.h5") as file:
        np.testing.assert_allclose(np.asarray(image.dataobj), file["reconstruction"][()].transpose(1, 2, 0), rtol=1e-6)
    np.testing.assert_allclose(image.header.get_zooms(), (2.0, 1.5, 6.0))  # slices of 5 mm, 6 mm apart
    for i, j, k in [(H // 2, W // 2, 0), (0, 0, 1), (39, 3, 0)]:
        lps = POSITION[k] + (i - H // 2) * 2.0 * READ + (j - W // 2) * 1.5 * PHASE
        found = nibabel.affines.apply_affine(image.affine, (i, j, k))
        np.testing.assert_allclose(found, lps * [-1, -1, 1], atol=1e-4)


def test_one_slice_of_many_keeps_its_place(mrilab, scan, tmp_path):
    recon(mrilab, "--slice", 1)
    assert mrilab("convert", "result.h5", "image.nii")[0] == 0
    image = nibabel.load(tmp_path / "image.nii")
    assert image.shape == (H, W, 1)
    found = nibabel.affines.apply_affine(image.affine, (H // 2, W // 2, 0))
    np.testing.assert_allclose(found, POSITION[1] * [-1, -1, 1], atol=1e-4)


def test_uncertainty_is_a_file_of_its_own(mrilab, scan, tmp_path):
    recon(mrilab)
    with h5py.File(tmp_path / "result.h5", "a") as file:
        file["uncertainty"] = 0.1 * file["reconstruction"][()]
        image, complex_image = file["reconstruction"][()], file["reconstruction_complex"][()]
    for ending, load in (("nii.gz", lambda path: np.asarray(nibabel.load(path).dataobj).transpose(2, 0, 1)),
                         ("npy", np.load)):  # fmt: skip
        code, out, err = mrilab("convert", "result.h5", f"a.{ending}", "--json")
        assert code == 0, err
        assert json.loads(out)["written"] == [f"a.{ending}", f"a-uncertainty.{ending}"]
        np.testing.assert_allclose(load(tmp_path / f"a-uncertainty.{ending}"), 0.1 * image, rtol=1e-6)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), complex_image)
    places = [nibabel.load(tmp_path / name).affine for name in ("a.nii.gz", "a-uncertainty.nii.gz")]
    np.testing.assert_array_equal(*places)
    assert mrilab("convert", "result.h5", "a.cfl")[0] == 0
    flat = np.fromfile(tmp_path / "a.cfl", np.complex64)
    np.testing.assert_array_equal(flat.reshape((H, W, SLICES), order="F"), complex_image.transpose(1, 2, 0))


def test_voxels_are_given_where_the_file_does_not_say_them(mrilab, kspace, tmp_path):
    np.save(tmp_path / "a.npy", kspace.numpy())
    assert mrilab("convert", "a.npy", "scan.h5")[0] == 0
    recon(mrilab)
    code, out, err = mrilab("convert", "result.h5", "a.nii")
    assert code == 0 and "does not say the size of its voxels" in err and "of unknown size" in out
    assert mrilab("convert", "result.h5", "b.nii", "--voxel-mm", 2, 1.5, 5)[0] == 0
    assert nibabel.load(tmp_path / "b.nii").header.get_zooms() == (2.0, 1.5, 5.0)
    assert mrilab("convert", "a.npy", "scan.h5", "--voxel-mm", 2, 1.5, 5, "--force")[0] == 0
    recon(mrilab)
    assert mrilab("convert", "result.h5", "c.nii")[0] == 0
    assert nibabel.load(tmp_path / "c.nii").header.get_zooms() == (2.0, 1.5, 5.0)


REFUSED = {
    "no such file": (("none.h5", "a.npy"), "there is no file none.h5"),
    "unknown": (("text.txt", "a.npy"), "`mrilab convert` reads fastMRI, ISMRMRD or SKM-TEA"),
    "unknown HDF5": (("other.h5", "a.npy"), "(it holds x); `mrilab convert` reads"),
    "raw data as NIfTI": (("scan.h5", "a.nii.gz"), "`mrilab recon` makes images of raw data first"),
    "ending": (("scan.h5", "a.mat"), "raw data are written as .h5"),
    "itself": (("scan.h5", "scan.h5"), "overwrite"),
    "itself by force": (("scan.h5", "./scan.h5", "--force"), "overwrite"),
    "there already": (("scan.h5", "there.npy"), "there.npy is there already"),
    "header of a pair": (("scan.h5", "pair.cfl"), "pair.hdr is there already"),
    "option of another": (("scan.h5", "a.npy", "--axes", "coils"), "--axes is for NumPy, but scan.h5 is fastMRI"),
    "voxels twice": (("scan.h5", "a.npy", "--voxel-mm", 1, 2, 3), "says the size of its voxels itself"),
    "voxels": (("scan.h5", "a.npy", "--voxel-mm", 0, 2, 3), "above 0"),
    "no whole number": (("scan.h5", "a.npy", "--echo", "one"), "--echo takes a whole number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_one_sentence_and_leaves_all_as_it_was(case, mrilab, scan, tmp_path):
    arguments, reason = REFUSED[case]
    (tmp_path / "text.txt").write_text("no scan")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    (tmp_path / "there.npy").write_text("precious")
    (tmp_path / "pair.hdr").write_text("precious")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, out, err = mrilab("convert", *arguments)
    assert code == 2 and out == "" and reason in err and err.count("\n") == 1, err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_result_is_no_raw_data(mrilab, scan, tmp_path):
    recon(mrilab)
    for arguments, reason in [
        (("result.h5", "a.h5"), "images are written as .nii.gz, .nii, .cfl, .npy"),
        (("result.h5", "a.npy", "--echo", 1), "--echo is for raw data"),
        (("result.h5", "a.nii", "--voxel-mm", 1, 2, 3), "says the size of its voxels itself"),
    ]:
        code, _, err = mrilab("convert", *arguments)
        assert code == 2 and reason in err
    assert {path.name for path in tmp_path.iterdir()} == {"scan.h5", "result.h5", "result.png"}


def test_force_writes_over_what_is_there(mrilab, scan, kspace, tmp_path):
    (tmp_path / "a.npy").write_text("old")
    assert mrilab("convert", "scan.h5", "a.npy", "--force")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), kspace.numpy())
