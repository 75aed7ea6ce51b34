"""`mrilab recon` as people and programs call it."""

import functools
import json
import sys
from typing import Literal

import h5py
import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.cli import main
from mrilab.data.scans import write_scan
from mrilab.methods import registry
from mrilab.methods.registry import method
from mrilab.physics import SenseModel, estimate_maps

PROMISED = (
    "method", "nominal_acceleration", "effective_acceleration", "maps_from", "psnr", "ssim", "nrmse", "seconds",
    "peak_memory_mb", "device",
)  # fmt: skip


@pytest.fixture(scope="module")
def kspace():
    generator = torch.Generator().manual_seed(5)
    image = random_ellipses(8, generator).image((96, 112))
    return 1e-6 * simulate_scan(image[None], random_array(4, generator).maps((96, 112)), (48, 56), 0.01, generator)


@pytest.fixture
def recon(tmp_path, monkeypatch, capfd, kspace):
    """Run `mrilab recon scan.h5 ...` in a folder of its own; -> (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    write_scan("scan.h5", kspace)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mrilab", "recon", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def toy(monkeypatch):
    """A method "toy"; the fixture holds the options that it was called with."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    called = {}

    @method("toy")
    def run(
        y: torch.Tensor, model: SenseModel, *, steps: int = 1, step_size: float = 0.1, fast: bool = False,
        norm: Literal["l1", "l2"] = "l1", checkpoint: str | None = None, levels: int | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """A toy."""
        return model.adjoint(y)

    registered = registry.available_methods()["toy"]

    def spy(y, model, *, generator, progress, **options):
        called.update(options)
        return registered(y, model, generator=generator, progress=progress)

    registry._registered["toy"] = functools.wraps(registered)(spy)
    return called


def test_json_is_one_object_with_the_promised_keys(recon, tmp_path):
    code, out, _ = recon(
        "scan.h5",
        "--method",
        "cg-sense",
        "--acceleration",
        "3",
        "--device",
        "cpu",
        "--out",
        "r/out.h5",
        "--json",
    )
    assert code == 0
    summary = json.loads(out)
    assert set(PROMISED) <= set(summary)
    assert summary["method"] == "cg-sense" and summary["nominal_acceleration"] == 3
    assert summary["device"] == "cpu" and summary["peak_memory_mb"] > 50
    assert summary["psnr"] > 15 and 0 < summary["ssim"] <= 1 and summary["seconds"] > 0
    assert (tmp_path / "r/out.png").read_bytes().startswith(b"\x89PNG")
    with h5py.File(tmp_path / "r/out.h5") as file:
        assert file["reconstruction"].shape == (1, 48, 56) and file.attrs["psnr"] == summary["psnr"]
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["out.h5", "out.png"]


def test_json_without_reference_has_nulls(recon, tmp_path, kspace):
    mask = torch.arange(56)[None] % 2 == 0
    mask[:, 20:36] = True
    write_scan(tmp_path / "under.h5", kspace * mask, mask)
    code, out, _ = recon("under.h5", "--method", "zero-filled", "--use-mask", "--json")
    summary = json.loads(out)
    assert code == 0 and summary["psnr"] is summary["ssim"] is summary["nrmse"] is None
    assert summary["nominal_acceleration"] is None and summary["effective_acceleration"] > 1
    assert summary["output"] == "under-zero-filled.h5" and (tmp_path / "under-zero-filled.png").exists()


def test_json_has_no_infinity(recon):
    """With everything sampled and full-centre maps the image is the reference, and its PSNR is infinite or null."""
    _, out, _ = recon("scan.h5", "--method", "zero-filled", "--acceleration", "1", "--json")
    assert "Infinity" not in out and json.loads(out)["nrmse"] < 1e-6


def test_warnings_go_to_stderr_once(recon, tmp_path, kspace):
    write_scan(tmp_path / "two.h5", kspace.repeat(2, 1, 1, 1))
    code, out, err = recon("two.h5", "--method", "zero-filled", "--acceleration", "7", "--json")
    assert code == 0 and len(json.loads(out)["slices"]) == 2
    assert err.count("coil maps at low resolution") == 1 and err.startswith("mrilab: note: ")


def test_the_table_names_what_was_done(recon):
    code, out, _ = recon("scan.h5", "--method", "l1-wavelet", "--acceleration", "3", "--mask", "random", "--seed", "2")
    assert code == 0
    for part in ("l1-wavelet", "random vertical", "3 nominal", "effective", "PSNR", "scan-l1-wavelet.h5"):
        assert part in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("cg-sense", "scan.h5", "--iterations", "2", "--weight=0.01"),
        ("scan.h5", "--iterations", "2", "--weight=0.01", "--method", "cg-sense"),
        ("--weight", "0.01", "--method=cg-sense", "--iterations=2", "scan.h5"),
    ],
)
def test_options_of_the_method_pass_through(recon, arguments):
    code, out, err = recon(*arguments, "--acceleration", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["options"] == {"iterations": 2, "weight": 0.01}


def test_switches_of_the_method_pass_through(recon):
    code, out, err = recon("scan.h5", "--no-cycle-spinning", "--method", "l1-wavelet", "--acceleration", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["options"] == {"cycle_spinning": False}


@pytest.mark.parametrize("arguments", [("--help",), ("--method", "help"), ("scan.h5", "--method=help")])
def test_the_methods_are_listed(recon, arguments):
    code, out, _ = recon(*arguments)
    assert code == 0
    assert "cg-sense     Solve least squares" in out and "zero-filled  Leave at zero" in out


@pytest.mark.parametrize("arguments", [("langevin", "--help"), ("scan.h5", "--method", "langevin", "--help")])
def test_the_options_of_a_method_are_listed_with_their_defaults(recon, arguments):
    code, out, _ = recon(*arguments)
    assert code == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines() if line.startswith("  --")}
    assert lines["--samples"] == "<int> [default: 8]" and lines["--start"] == "<float> [default: 1.2]"
    assert lines["--scale"] == "<pilot|zero-filled> [default: pilot]"
    assert lines["--acceleration"] == "<float> Undersample by this factor."


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ((), {}),
        (("--steps", "3"), {"steps": 3}),
        (("--step-size=1e-2", "--fast"), {"step_size": 0.01, "fast": True}),
        (("--no-fast", "--norm", "l2"), {"fast": False, "norm": "l2"}),
        (("--checkpoint", "a/b", "--levels", "2"), {"checkpoint": "a/b", "levels": 2}),
    ],
)
def test_text_becomes_what_the_annotation_says(recon, toy, arguments, values):
    """Only what was asked for reaches the method."""
    code, _, err = recon("toy", "scan.h5", *arguments, "--acceleration", "2")
    assert code == 0, err
    assert toy == values and [type(each) for each in toy.values()] == [type(each) for each in values.values()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--steps", "3.5"), "--steps takes a whole number, not '3.5'; see `mrilab recon toy --help`"),
        (("--step-size", "q"), "--step-size takes a number, not 'q'; see `mrilab recon toy --help`"),
        (("--step-size", "inf", "--acceleration", "2"), "step_size must be a finite number, not inf"),
        (("--norm", "l3"), "--norm: 'l3' is not one of 'l1', 'l2'; see `mrilab recon toy --help`"),
        (("--stepsize", "3"), "no such option: --stepsize (did you mean --step-size?); see `mrilab recon toy --help`"),
        (("--steps",), "option '--steps' requires an argument"),
        (("--fast=1",), "option '--fast' does not take a value"),
    ],
)
def test_what_the_annotation_forbids_is_one_sentence(recon, toy, tmp_path, arguments, message):
    code, out, err = recon("toy", "scan.h5", *arguments)
    assert (code, out, err) == (2, "", f"mrilab: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.h5"]


def test_without_anything_the_help_is_shown_as_an_error(recon):
    code, out, err = recon()
    assert code == 2 and out == "" and err.startswith("Usage: mrilab recon")
    assert "cg-sense     Solve least squares" in err and "mrilab recon cg-sense UNDERSAMPLED.h5 --use-mask" in err


@pytest.mark.parametrize("arguments", [("scan.h5", "--acceleration", "2"), ("--acceleration", "2", "scan.h5")])
def test_without_a_method_it_is_l1_wavelet(recon, tmp_path, arguments):
    code, out, err = recon(*arguments, "--json")
    assert code == 0 and json.loads(out)["method"] == "l1-wavelet" and (tmp_path / "scan-l1-wavelet.h5").exists()
    assert err.startswith("mrilab: note: no method is named, so it is l1-wavelet\n")
    assert recon("scan.h5")[0] == 2  # nobody says how to undersample it


@pytest.mark.parametrize("arguments", [("scan.h5", "--method"), ("cg-sens", "scan.h5"), ("scan", "--method=l1")])
def test_a_misspelt_method_gets_the_names(recon, arguments):
    code, out, err = recon(*arguments)
    assert code == 2 and out == "" and "choose one of cg-sense, convdecoder" in err


def test_own_maps_come_from_a_file(recon, tmp_path, kspace):
    maps, _ = estimate_maps(kspace[0], torch.ones(1, 1, dtype=torch.bool))
    np.save(tmp_path / "maps.npy", 2 * maps.numpy())
    code, out, err = recon("cg-sense", "scan.h5", "--acceleration", "3", "--maps", "maps.npy", "--json")
    assert code == 0 and json.loads(out)["maps_from"] == "file maps.npy"
    assert err == "mrilab: note: the squares of maps.npy do not sum to 1, so the maps were normalised\n"
    refused = recon("varnet", "scan.h5", "--acceleration", "3", "--maps", "maps.npy")
    assert refused[0] == 2 and refused[2].startswith("mrilab: varnet estimates coil maps of its own")


def test_without_a_scan_the_scan_is_asked_for(recon):
    assert recon("cg-sense")[::2] == (2, "mrilab: missing argument 'SCAN.h5'; see `mrilab recon cg-sense --help`\n")


def test_the_prescan_is_not_overwritten(recon, tmp_path):
    before = (tmp_path / "scan.h5").read_bytes()
    (tmp_path / "other.h5").write_bytes(before)
    code, _, err = recon(
        "other.h5",
        "--method",
        "zero-filled",
        "--acceleration",
        "2",
        "--prescan",
        "scan.h5",
        "--out",
        "./scan.h5",
    )
    assert code == 2 and "would overwrite an input" in err
    assert (tmp_path / "scan.h5").read_bytes() == before
