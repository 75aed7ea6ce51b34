"""Lesson 4's commands on a real brain. Few steps: that they work; how well is measured by hand."""

import json

import nibabel
import pytest
from typer.testing import CliRunner

from mrilab.cli import app

COMMON = "--acceleration 4 --mask poisson --steps 10 --json --out".split()

pytestmark = pytest.mark.real


def summary_of(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_dds_reconstructs_it(real_scans, tmp_path):
    scan, out = str(real_scans / "brain-16ch.h5"), str(tmp_path / "dds.h5")
    summary = summary_of("recon", scan, "--method", "dds", "--samples", "2", *COMMON, out)
    assert summary["psnr"] > 30 and summary["options"]["steps"] == 10


def test_bounds_of_its_grey_matter_lie_apart_and_fit_the_data(real_scans, tmp_path):
    scan, labels = str(real_scans / "brain-16ch.h5"), tmp_path / "labels.nii.gz"
    arguments = ("--class", "grey matter", "--labels", str(labels))
    summary = summary_of("bounds", scan, *arguments, *COMMON, str(tmp_path / "bounds.h5"))
    (row,) = summary["classes"]
    assert summary["unit"] == "ml" and 20 < row["low"] < row["unguided"] < row["up"] < 50
    (slice_,) = row["slices"]
    for bound in ("low", "up"):
        assert slice_["residual"][bound] == pytest.approx(slice_["residual"]["unguided"], rel=0.03)
        image = nibabel.load(tmp_path / f"labels-{bound}.nii.gz")
        voxel = image.header.get_zooms()
        count = (image.get_fdata() > 0).sum()
        assert count * voxel[0] * voxel[1] * voxel[2] / 1000 == pytest.approx(row[bound], rel=1e-3)
