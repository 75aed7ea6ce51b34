"""`mrilab segment` as people and programs call it, with a network that was never trained."""

import json
import sys

import h5py
import nibabel
import numpy as np
import pytest
import torch

from mrilab.cli import main
from mrilab.data.masks import write_mask
from mrilab.data.scans import write_scan
from mrilab.evaluation.experiments import read_results
from mrilab.infomri.models import ELSEWHERE
from mrilab.infomri.segment_result import LOOK
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.physics.fourier import fft2c
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint

SIDE, COILS = 64, 3
HEADER = {"encoded_fov_mm": (128.0, 96.0, 5.0)}  # voxels of 2 x 1.5 x 5 mm
FACTS = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0.0, "metrics": {}}


@pytest.fixture
def segment(tmp_path, monkeypatch, capfd):
    """Run `mrilab segment scan.h5 ...` in a folder of its own; -> (exit code, stdout, stderr)."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    generator = torch.Generator().manual_seed(1)
    rows = torch.arange(SIDE) - SIDE / 2
    disc = torch.sigmoid(SIDE / 3 - torch.hypot(rows[:, None], rows))
    maps = torch.randn(COILS, 1, 1, dtype=torch.complex64, generator=generator).expand(-1, SIDE, SIDE)
    kspace = fft2c(disc * maps) + 0.01 * torch.randn(COILS, SIDE, SIDE, dtype=torch.complex64, generator=generator)
    write_scan("scan.h5", kspace[None], header=HEADER)
    write_scan("nowhere.h5", kspace[None])
    write_scan("small.h5", kspace[None, :, 8:-8, 8:-8].contiguous())
    write_scan("broken.h5", (kspace * torch.nan)[None])
    torch.manual_seed(2)
    sampling = ELSEWHERE["heads-lines"].sampling | {"shape": [SIDE, SIDE]}
    network = LatentSegmenter(sampling, 8, (0.1, 0.35), scaled=True)
    shipped = {name: checkpoints.load_checkpoint(name)[0] for name in ("infomri-heads-lines",)}
    (tmp_path / "checkpoints").mkdir()
    for module in ("mrilab.training.checkpoints", "mrilab.infomri.masks"):
        monkeypatch.setattr(f"{module}.CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(checkpoints.load_checkpoint, "__defaults__", (tmp_path / "checkpoints",))
    save_checkpoint("infomri-masses", network, FACTS, tmp_path / "checkpoints")
    for name, each in shipped.items():
        save_checkpoint(name, each, FACTS, tmp_path / "checkpoints")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mrilab", "segment", *arguments, "--device", "cpu"])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capfd.readouterr()

    return run


def test_json_is_one_object_and_the_files_agree_with_it(segment, tmp_path):
    arguments = ("--ratio", "0.25", "--samples", "20", "--out", "r/out.h5", "--nifti", "r/p.nii.gz", "--json")
    code, out, err = segment("scan.h5", *arguments)
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["unit"], summary["voxel_mm"], summary["samples"]) == ("ml", [2.0, 1.5, 5.0], 20)
    assert summary["effective_acceleration"] == 4 and summary["mask"] == "infomri"
    assert "simulated" in summary["note"] and 0 <= summary["disagreement"] <= 1
    assert summary["look"] == (summary["disagreement"] > LOOK)
    with h5py.File("r/out.h5") as file:
        samples, p = file["samples"][()], file["probability"][()]
        assert samples.shape == (1, 20, SIDE, SIDE) and samples.dtype == bool and file["mask"].shape == (SIDE,)
        assert p == pytest.approx(samples.mean(1)) and file["mask"][()].sum() == 16
        assert file["reconstruction"].shape == file["deviation"].shape == (1, SIDE, SIDE)
        assert "simulated" in file.attrs["note"]
    volumes = samples[0].sum((1, 2)) * 0.015  # ml
    assert summary["volume"] == pytest.approx(volumes.mean())
    assert summary["interval"] == pytest.approx(np.quantile(volumes, [0.025, 0.975]).tolist())
    image = nibabel.load("r/p.nii.gz")
    assert image.header.get_zooms() == (2.0, 1.5, 5.0) and np.allclose(image.get_fdata()[..., 0], p[0])
    again = json.loads(segment("scan.h5", *arguments)[1])
    assert {key: again[key] for key in ("volume", "interval", "disagreement")} == {
        key: summary[key] for key in ("volume", "interval", "disagreement")
    }


def test_a_table_says_what_was_seen_and_a_missing_size_is_told(segment):
    code, out, err = segment("nowhere.h5", "--ratio", "0.2", "--samples", "3")
    assert code == 0 and "pixels" in out and "nowhere-segment.h5" in out
    assert "simulated masses in T2-weighted heads only" in out
    assert "volumes are in pixels" in err


def test_a_mask_from_a_file_and_one_that_is_unlike_the_training(segment):
    mask = torch.zeros(1, SIDE, dtype=torch.bool)
    mask[:, 8:-8] = True
    write_mask("lines.csv", mask, {})
    code, out, err = segment("scan.h5", "--mask", "lines.csv", "--samples", "2", "--json")
    assert code == 0 and json.loads(out)["mask"] == "lines.csv"
    assert "75.0% of k-space" in err and "not tested" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scan.h5",), "say what to sample"),
        (("scan.h5", "--ratio", "0.5"), "0.1 to 0.35"),
        (("scan.h5", "--ratio", "nan"), "0.1 to 0.35"),
        (("scan.h5", "--ratio", "0.25", "--use-mask"), "exclude each other"),
        (("scan.h5", "--use-mask"), "has no mask to use"),
        (("scan.h5", "--ratio", "0.25", "--samples", "0"), "--samples must be 1 to"),
        (("scan.h5", "--ratio", "0.25", "--samples", "-3"), "--samples must be 1 to"),
        (("scan.h5", "--ratio", "0.25", "--samples", "1000000000"), "--samples must be 1 to"),
        (("scan.h5", "--ratio", "0.25", "--nifti", "p.nrrd"), ".nii"),
        (("scan.h5", "--ratio", "0.25", "--voxel-mm", "0", "1", "1"), "above 0"),
        (("small.h5", "--ratio", "0.25"), "is 48 x 48, and the network was trained for 64 x 64"),
        (("broken.h5", "--ratio", "0.25"), "broken.h5"),
        (("scan.h5", "--ratio", "0.25", "--network", "infomri-heads-lines"), "infomri-heads-lines"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(segment, tmp_path, arguments, words):
    before = sorted((tmp_path / "here").iterdir())
    code, out, err = segment(*arguments)
    assert code != 0 and out == "" and words in err and len(err.strip().splitlines()) == 1
    assert sorted((tmp_path / "here").iterdir()) == before


def test_a_checkpoint_cut_short_is_told(segment, tmp_path):
    path = tmp_path / "checkpoints" / "infomri-masses.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    code, _, err = segment("scan.h5", "--ratio", "0.25")
    assert code != 0 and "infomri-masses.safetensors is not the file that its card describes" in err


def test_a_person_is_asked_from_the_disagreement_on_that_validation_chose():
    rows = read_results("infomri_tasks_look").set_index("threshold")
    assert (rows["sensitivity"] + rows["specificity"]).idxmax() == LOOK
    # the README says: four in five of the hard scans, and one in thirteen of the others
    assert rows.loc[LOOK, "sensitivity"] == pytest.approx(4 / 5, abs=0.02)
    assert rows.loc[LOOK, "specificity"] == pytest.approx(12 / 13, abs=0.01)
