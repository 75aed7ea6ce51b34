"""`mrilab mask`, and `mrilab recon` with its masks."""

import json
import sys

import h5py
import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.cli import main
from mrilab.data.masks import read_mask
from mrilab.data.scans import write_scan

POINTS, LINES = "infomri-points", "infomri-heads-lines"


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
    generator = torch.Generator().manual_seed(5)
    image = random_ellipses(8, generator).image((160, 192))
    return 1e-6 * simulate_scan(image[None], random_array(4, generator).maps((160, 192)), (80, 96), 0.01, generator)


@pytest.mark.parametrize(
    ("name", "ratio", "kind", "samples"),
    [
        ("infomri", 0.25, "lines", 32), (LINES, 0.125, "lines", 16), (POINTS, 0.125, "points", 2048),
        ("variable-density", 0.1, "points", 1638), ("radial", 0.1, "points", 1638), ("uniform", 0.1, "points", 1638),
        ("random", 0.25, "lines", 32), ("poisson", 0.2, "points", None), ("equispaced", 0.25, "lines", 40),
    ],
)  # fmt: skip
def test_every_mask_is_described_and_written(name, ratio, kind, samples, mrilab, tmp_path):
    code, out, err = mrilab("mask", name, "--ratio", ratio, "--out", "m.h5", "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["kind"] == kind and facts["samples"] == (samples or facts["samples"])
    assert facts["ratio"] == ratio and facts["ratio_got"] == facts["samples"] / facts["positions"]
    assert 0 <= facts["redundancy"] <= 1 and 0 < facts["largest_sidelobe"] <= 1
    mask = read_mask(tmp_path / "m.h5", (128, 128))
    assert int(mask.sum()) == facts["samples"] == len(facts["from_dc"])
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["name"] == name and file.attrs["ratio"] == ratio


def test_seeds_draw_and_top_k_does_not(mrilab, tmp_path):
    def made(*arguments):
        assert mrilab("mask", POINTS, "--ratio", 0.2, "--out", "m.npy", *arguments)[0] == 0
        return np.load(tmp_path / "m.npy")

    assert (made("--seed", 1) == made("--seed", 1)).all() and (made("--seed", 1) != made("--seed", 2)).any()
    assert (made("--top-k") == made("--top-k")).all()


def test_a_pattern_serves_other_shapes_and_centres(mrilab, tmp_path):
    assert mrilab("mask", LINES, "--ratio", 0.25, "--shape", 320, 368, "--out", "m.csv", "--top-k")[0] == 0
    mask = read_mask(tmp_path / "m.csv", (320, 368))
    assert mask.shape == (1, 368) and int(mask.sum()) == 92
    assert mask[0, 184 - 4 : 184 + 4].all()
    assert mrilab("mask", LINES, "--ratio", 0.25, "--acs", 20, "--out", "m.csv", "--top-k")[0] == 0
    assert read_mask(tmp_path / "m.csv", (128, 128))[0, 54:74].all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([POINTS, "--ratio", 0], "a sampling ratio is above 0 and at most 1, not 0"),
        ([POINTS, "--ratio", 1.5], "not 1.5"),
        ([POINTS, "--ratio", "nan"], "not nan"),
        ([POINTS, "--ratio", 0.9], "trained for ratios of 0.04 to 0.32, not 0.9"),
        ([LINES, "--ratio", 0.11, "--acs", 40], "ask for a larger ratio"),
        ([LINES, "--ratio", 0.25, "--kind", "points"], "infomri-heads-lines samples lines, not points"),
        (["spiral", "--ratio", 0.2], "unknown mask 'spiral'; choose one of equispaced"),
        (["random", "--ratio", 0.2, "--top-k"], "no probabilities"),
        ([POINTS, "--ratio", 0.2, "--top-k", "--seed", 1], "exclude each other"),
        ([POINTS, "--ratio", 0.2, "--shape", 0, 8], "impossible"),
        ([LINES, "--ratio", 0.2, "--direction", "horizontal"], "a direction of its own"),
        (["radial", "--ratio", 0.2, "--acs", 8], "leave out the calibration centre"),
        (["variable-density", "--ratio", 0.01, "--acs", 20], "fewer than the 400 of the calibration centre"),
    ],
)
def test_mistakes_are_told_in_a_sentence_and_leave_nothing(arguments, sentence, mrilab, tmp_path):
    code, out, err = mrilab("mask", *arguments, "--out", "m.h5")
    assert code != 0 and sentence in err and err.count("\n") == 1 and not out
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be_are_refused(mrilab, tmp_path):
    (tmp_path / "folder.h5").mkdir()
    for out, sentence in (("m.txt", "must end in"), ("folder.h5", "is a folder")):
        code, _, err = mrilab("mask", "random", "--ratio", 0.25, "--out", out)
        assert code != 0 and sentence in err


def test_a_scan_is_reconstructed_with_a_mask_from_a_file_and_with_a_learned_one(mrilab, kspace):
    write_scan("scan.h5", kspace)
    assert mrilab("mask", "infomri", "--ratio", 0.25, "--shape", 80, 96, "--out", "m.h5")[0] == 0
    reports = []
    for arguments in (["--mask", "m.h5"], ["--mask", "infomri", "--acceleration", 4]):
        code, out, err = mrilab("recon", "infomri", "scan.h5", *arguments, "--out", "o.h5", "--json")
        assert code == 0, err
        reports.append(json.loads(out))
    first, second = reports
    assert first["mask"] == "m.h5" and second["mask"] == "infomri" and first["nominal_acceleration"] is None
    assert first["effective_acceleration"] == second["effective_acceleration"] == 4
    assert first["psnr"] == second["psnr"] > 20  # the same seed draws the same lines
    with h5py.File("o.h5") as file:
        assert file["uncertainty"].shape == (1, 80, 96) and (file["uncertainty"][()] > 0).all()


def test_masks_that_do_not_fit_a_scan_are_refused(mrilab, kspace):
    write_scan("scan.h5", kspace)
    assert mrilab("mask", "infomri", "--ratio", 0.25, "--out", "wide.h5")[0] == 0
    for arguments, sentence in (
        (["--mask", "wide.h5"], "the scan 80 x 96; make a mask of that shape"),
        (["--mask", "wide.h5", "--acceleration", 4], "exclude each other"),
        (["--mask", "missing.npy"], "cannot read a mask"),
        (["--mask", "infomri", "--acceleration", 2], "trained for ratios of 0.1 to 0.35, not 0.5"),
        (["--mask", "infomri"], "give --acceleration R"),
    ):
        code, _, err = mrilab("recon", "zero-filled", "scan.h5", *arguments, "--out", "o.h5")
        assert code != 0 and sentence in err, err
