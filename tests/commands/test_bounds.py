"""`mrilab bounds` as people and programs call it."""

import json
import sys

import h5py
import nibabel
import pytest
import torch
from bounds_toy import ellipses, use_checkpoints

from mrilab.cli import main
from mrilab.data.scans import write_scan

QUICK = ("--prior", "prior", "--segment", "seg", "--steps", "3", "--acceleration", "2", "--device", "cpu")
HEADER = {"encoded_fov_mm": (80.0, 72.0, 5.0)}


@pytest.fixture(scope="module")
def kspace():
    return ellipses(1)


@pytest.fixture
def bounds(tmp_path, monkeypatch, capfd, kspace):
    """Run `mrilab bounds scan.h5 ...` in a folder of its own; -> (exit code, stdout, stderr)."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_scan("scan.h5", kspace, header=HEADER)
    (tmp_path / "checkpoints").mkdir()
    use_checkpoints(monkeypatch, tmp_path / "checkpoints")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mrilab", "bounds", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capfd.readouterr()

    return run


def test_json_is_one_object_and_the_files_agree_with_it(bounds, tmp_path):
    code, out, err = bounds(
        "scan.h5", "--class", "csf", "--class", "white matter", *QUICK, "--samples", "2", "--strength", "0.1",
        "--range", "0.01", "1", "--through", "step", "--out", "r/out.h5", "--labels", "r/out.nii.gz", "--json",
    )  # fmt: skip
    assert code == 0, err
    summary = json.loads(out)
    assert [row["class"] for row in summary["classes"]] == ["csf", "white matter"]
    assert (summary["unit"], summary["voxel_mm"]) == ("ml", [2.0, 1.5, 5.0])
    assert (summary["strength"], summary["range"], summary["through"]) == (0.1, [0.01, 1.0], "step")
    assert summary["seconds"] > 0 and summary["peak_memory_mb"] > 50 and summary["device"] == "cpu"
    assert summary["labels"] == ["r/out-low.nii.gz", "r/out-up.nii.gz"]
    here = tmp_path / "here"
    names = sorted(path.name for path in (here / "r").iterdir())
    assert names == ["out-low.nii.gz", "out-up.nii.gz", "out.h5", "out.png"]
    assert (here / "r/out.png").read_bytes().startswith(b"\x89PNG")
    for k, (row, c) in enumerate(zip(summary["classes"], (1, 3), strict=True)):
        for n, bound in enumerate(("low", "up")):
            labels = nibabel.load(here / summary["labels"][n]).dataobj[..., k]
            assert row[bound] == pytest.approx(0.015 * int((labels == c).sum()))
        assert row["gap"] >= 0 and row["repeated"]["low"] <= row["repeated"]["up"] and row["second"]["up"] >= 0
    with h5py.File(here / "r/out.h5") as file:
        assert file["low"].shape == (2, 1, 40, 48) and file["samples"].shape == (1, 2, 40, 48)


def test_the_table_names_what_was_done(bounds, tmp_path):
    code, out, err = bounds("scan.h5", "--class", "grey matter", *QUICK, "--mask", "random")
    assert code == 0, err
    for part in ("random vertical", "prior, 3 steps", "seg, second look: seg-second", "volume (ml)", "full data"):
        assert part in out
    assert "strength 0.04, sigma 0 to 10, through data, view moved" in out and "scan-bounds.h5, scan-bounds.png" in out
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == [
        "scan-bounds.h5",
        "scan-bounds.png",
        "scan.h5",
    ]


def test_without_a_size_volumes_are_pixels_with_one_note(bounds, kspace):
    write_scan("bare.h5", kspace.repeat(2, 1, 1, 1))
    code, out, err = bounds("bare.h5", "--class", "csf", *QUICK, "--json")
    assert code == 0 and json.loads(out)["unit"] == "pixels" and json.loads(out)["voxel_mm"] is None
    assert err.count("voxels of exactly 1 mm") == 1 and "--voxel-mm HEIGHT WIDTH THICKNESS" in err
    code, out, err = bounds(
        "bare.h5", "--class", "csf", *QUICK, "--slice", "0", "--voxel-mm", "2", "1.5", "5", "--json"
    )
    assert code == 0 and json.loads(out)["unit"] == "ml" and "1 mm" not in err


def test_an_undersampled_scan_is_taken_as_it_is(bounds, kspace):
    mask = torch.arange(48)[None] % 2 == 0
    mask[:, 16:32] = True
    write_scan("under.h5", kspace * mask, mask, header=HEADER)
    arguments = [word for word in QUICK if word not in ("--acceleration", "2")]
    code, out, err = bounds("under.h5", "--class", "csf", *arguments, "--use-mask", "--json")
    assert code == 0, err
    (row,) = json.loads(out)["classes"]
    assert row["reference"] is row["psnr"] is row["repeated"] is None


def test_the_help_shows_the_defaults_of_the_function(bounds):
    code, out, _ = bounds("--help")
    text = " ".join(out.split())
    assert code == 0 and "[default: score-heads]" in text and "[default: poisson]" in text
    assert "LOW HIGH" in text and "[default: 0.0, 10.0]" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name at least one class with --class; seg knows csf, grey matter, white matter"),
        (
            ("--class", "Gray matter"),
            "seg knows no class 'Gray matter'; did you mean 'grey matter'? its classes are csf,",
        ),
        (("--class", "liver"), "seg knows no class 'liver'; its classes are csf, grey matter, white matter"),
        (("--class", "csf", "--strength", "0"), "the strength of guidance must be above 0, not 0"),
        (("--class", "csf", "--strength", "-0.1"), "the strength of guidance must be above 0, not -0.1"),
        (("--class", "csf", "--strength", "nan"), "the strength of guidance must be above 0, not nan"),
        (("--class", "csf", "--strength", "inf"), "the strength b of guidance must be a finite number"),
        (("--class", "csf", "--steps", "0"), "a chain needs 2 steps or more, not 0"),
        (("--class", "csf", "--steps", "-3"), "a chain needs 2 steps or more, not -3"),
        (("--class", "csf", "--range", "2", "3"), "guidance from sigma 2 to 3 acts in no step; they go from 1.2 to"),
        (("--class", "csf", "--range", "1", "0.5"), "guidance from sigma 1 to 0.5 acts nowhere"),
        (("--class", "csf", "--samples", "-1"), "the number of samples must be 0 or more, not -1"),
        (("--class", "csf", "--voxel-mm", "1", "0", "3"), "the size of a voxel must be three numbers of mm above 0"),
        (("--class", "csf", "--prior", "seg"), "checkpoint 'seg' is not a score prior"),
        (("--class", "csf", "--segment", "prior"), "checkpoint 'prior' is a denoiser, not a segmentation network"),
        (("--class", "csf", "--second", "prior"), "checkpoint 'prior' is a denoiser, not a segmentation network"),
        (("--class", "csf", "--second", "none"), "there is no checkpoint 'none'"),
        (("--class", "csf", "--labels", "out.nrrd"), "--labels out.nrrd must end in .nii or .nii.gz"),
        (("--class", "csf", "--labels", "scan.h5"), "--labels scan.h5 must end in .nii or .nii.gz"),
        (("--class", "csf", "--labels", "scan.h5/out.nii"), "is not a writable folder"),
        (("--class", "csf", "--out", "scan.h5"), "--out scan.h5 would overwrite an input"),
        (("--class", "csf", "--out", "out.nii"), "--out out.nii must end in .h5"),
        (("--class", "csf", "--through", "all"), "--through: 'all' is not one of 'data', 'step'"),
        (("--class", "csf", "--range", "1"), "option '--range' requires 2 arguments"),
        (("--class", "csf", "--use-mask"), "--acceleration and --use-mask exclude each other"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(bounds, tmp_path, arguments, message):
    code, out, err = bounds("scan.h5", *QUICK, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mrilab: ") and message in err and err.count("\n") == 1
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["scan.h5"]


@pytest.mark.parametrize("name", ["in.nii.gz", "in-low.nii", "in-up.nii"])
def test_labels_never_overwrite_the_scan(bounds, kspace, tmp_path, name):
    """A scan may have any name, so it may be one of the label files."""
    write_scan(name, kspace, header=HEADER)
    before = (tmp_path / "here" / name).read_bytes()
    labels = name.replace("-low", "").replace("-up", "")
    code, _, err = bounds(name, "--class", "csf", *QUICK, "--labels", labels)
    assert code == 2 and "would overwrite an input" in err
    assert (tmp_path / "here" / name).read_bytes() == before


def test_a_failure_after_the_start_leaves_nothing(bounds, tmp_path, monkeypatch):
    from mrilab.sgr.guidance import Guidance

    loss = Guidance.loss
    monkeypatch.setattr(Guidance, "loss", lambda *arguments: float("inf") * loss(*arguments))
    code, out, err = bounds("scan.h5", "--class", "csf", *QUICK, "--labels", "out.nii")
    assert (code, out) == (2, "") and err.startswith("mrilab: the gradient of the guidance is not finite at sigma 1.2")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["scan.h5"]
