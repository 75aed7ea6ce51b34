"""`mrilab recon` on folders and on several files."""

import csv
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
from mrilab.data.scans import write_scan
from mrilab.evaluation import many
from mrilab.evaluation.reconstruct import reconstruct

R = ("--acceleration", "3", "--maps-from", "prescan")


@pytest.fixture(scope="module")
def kspace():
    generator = torch.Generator().manual_seed(5)
    image = random_ellipses(8, generator).image((96, 112))
    return 1e-6 * simulate_scan(image[None], random_array(4, generator).maps((96, 112)), (48, 56), 0.01, generator)


@pytest.fixture
def no_pictures(monkeypatch):
    """Pictures take most of the time; one test draws them."""
    monkeypatch.setattr(many, "write_panel", lambda path, result: path.write_bytes(b"picture"))


@pytest.fixture
def recon(tmp_path, monkeypatch, capfd, kspace):
    """Run `mrilab recon` beside scans/a.h5, scans/b.h5 and c.h5; -> (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for n, name in enumerate(("scans/b.h5", "scans/a.h5", "c.h5")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_scan(name, kspace * (n + 1))
    (tmp_path / "scans/notes.txt").write_text("no scan")
    (tmp_path / "scans/deeper").mkdir()
    write_scan("scans/deeper/d.h5", kspace)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mrilab", "recon", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capfd.readouterr()

    return run


def rows(folder):
    with (folder / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".h5", ".png")}


def test_one_file_goes_to_a_folder_too(recon, tmp_path):
    code, out, _ = recon("zero-filled", "c.h5", *R, "--out", "results")
    assert code == 0 and "1 made" in out and [row["scan"] for row in rows(tmp_path / "results")] == ["c.h5"]
    assert (tmp_path / "results/c-zero-filled.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_and_a_file_become_results_pictures_and_a_table(recon, tmp_path):
    code, out, err = recon("zero-filled", "scans", "c.h5", *R, "--out", "new/results")
    assert code == 0 and err == ""
    results = tmp_path / "new/results"
    names = [f"{name}-zero-filled{ending}" for name in "abc" for ending in (".h5", ".png")]
    assert sorted(path.name for path in results.iterdir()) == [*names, "summary.csv"]
    assert [row["scan"] for row in rows(results)] == ["a.h5", "b.h5", "c.h5"]
    for row in rows(results):
        path = tmp_path / ("scans" if row["scan"] != "c.h5" else ".") / row["scan"]
        alone = reconstruct(path, "zero-filled", acceleration=3, maps_from="prescan")
        with h5py.File(results / f"{path.stem}-zero-filled.h5") as file:
            np.testing.assert_array_equal(file["reconstruction_complex"], alone.stack("image"))
        assert row["method"] == "zero-filled" and row["slices"] == "1" and row["error"] == row["note"] == ""
        assert row["nominal_acceleration"] == "3" and row["maps_from"] == alone.maps_from
        for name, value in alone.metrics.items():
            assert float(row[name]) == pytest.approx(value, rel=1e-5), name
    assert out.count("PSNR") == 3 and "3 made, 0 there already, 0 failed" in out


@pytest.mark.usefixtures("no_pictures")
def test_what_is_there_is_kept_and_what_was_asked_otherwise_is_made_anew(recon, tmp_path):
    assert recon("cg-sense", "scans", *R, "--out", "results")[0] == 0
    before = content(tmp_path / "results")
    code, out, err = recon("cg-sense", "scans", "c.h5", *R, "--iterations", "30", "--out", "results")
    after = content(tmp_path / "results")
    assert code == 0 and err == "" and "1 made, 2 there already, 0 failed" in out  # 30 is the default
    assert {name: after[name] for name in before} == before and "c-cg-sense.h5" in after

    (tmp_path / "results/a-cg-sense.png").unlink()  # as if it had been stopped between the two
    assert "1 made, 2 there already" in recon("cg-sense", "scans", "c.h5", *R, "--out", "results")[1]
    assert "0 made, 3 there already" in recon("cg-sense", "scans", "c.h5", *R, "--out", "results")[1]
    assert "3 made, 0 there" in recon("cg-sense", "scans", "c.h5", *R, "--out", "results", "--overwrite")[1]
    kept = rows(tmp_path / "results")
    code, out, err = recon("cg-sense", "c.h5", *R, "--seed", "1", "--iterations", "2", "--out", "results")
    assert code == 0 and "1 made" in out
    assert err == "mrilab: note: c.h5: c-cg-sense.h5 was made otherwise (seed, options), so it is made anew\n"
    *others, last = rows(tmp_path / "results")
    assert others == kept[:2] and "made otherwise" in last["note"]
    assert "1 there already" in recon("cg-sense", "c.h5", *R, "--seed", "1", "--iterations", "2", "--out", "results")[1]
    assert "made otherwise" in rows(tmp_path / "results")[-1]["note"]


@pytest.mark.usefixtures("no_pictures")
def test_another_scan_of_the_same_name_is_not_taken_for_the_first(recon, tmp_path, kspace):
    recon("zero-filled", "c.h5", *R, "--out", "results")
    write_scan(tmp_path / "c.h5", kspace.repeat(2, 1, 1, 1))
    code, _, err = recon("zero-filled", "c.h5", *R, "--out", "results")
    assert code == 0 and "was made otherwise (scan)" in err and rows(tmp_path / "results")[0]["slices"] == "2"


@pytest.mark.usefixtures("no_pictures")
def test_a_scan_that_fails_stops_no_other(recon, tmp_path):
    (tmp_path / "scans/b.h5").write_text("no scan")
    code, out, err = recon("zero-filled", "scans", "missing.h5", "c.h5", *R, "--out", "results", "--json")
    assert code == 2
    broken, missing = err.splitlines()
    assert broken.startswith("mrilab: scans/b.h5 failed: scans/b.h5 is not an HDF5 file")
    assert missing == "mrilab: missing.h5 failed: there is no file missing.h5; check the name"
    a, b, none, c = map(json.loads, out.splitlines())
    assert [each["scan"] for each in (a, b, none, c)] == ["a.h5", "b.h5", "missing.h5", "c.h5"]
    assert a["psnr"] > 10 and a["error"] is None and a["output"] == "results/a-zero-filled.h5"
    assert b["error"] in broken and "output" not in b
    table = rows(tmp_path / "results")
    assert [bool(row["error"]) for row in table] == [False, True, True, False] and table[1]["psnr"] == ""
    _, out, _ = recon("zero-filled", "c.h5", *R, "--out", "results", "--json")
    (kept,) = map(json.loads, out.splitlines())
    assert kept.pop("kept") and kept.pop("slices") == [0] and kept == {name: c[name] for name in kept}
    assert set(c) - set(kept) == {"kept", "slices"}


@pytest.mark.usefixtures("no_pictures")
def test_a_fault_of_the_program_is_told_too(recon, monkeypatch):
    def broken(scan, *_, **__):
        raise ZeroDivisionError(f"in\n{scan}")

    monkeypatch.setattr(many, "reconstruct", broken)
    code, _, err = recon("zero-filled", "scans", *R, "--out", "results")
    assert code == 2 and [line.partition("failed: ")[2] for line in err.splitlines()] == [
        "ZeroDivisionError: in scans/a.h5", "ZeroDivisionError: in scans/b.h5",
    ]  # fmt: skip


@pytest.mark.usefixtures("no_pictures")
def test_ctrl_c_leaves_what_is_finished(recon, monkeypatch, tmp_path):
    real = many.reconstruct

    def stopped(scan, *arguments, **options):
        if scan.name == "b.h5":
            raise KeyboardInterrupt
        return real(scan, *arguments, **options)

    monkeypatch.setattr(many, "reconstruct", stopped)
    code, _, err = recon("zero-filled", "scans", *R, "--out", "results")
    assert code == 130 and "stopped; 1 of 2 scans are done and stay in results" in err
    names = ["a-zero-filled.h5", "a-zero-filled.png", "summary.csv"]
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == names
    monkeypatch.setattr(many, "reconstruct", real)
    assert "1 made, 1 there already" in recon("zero-filled", "scans", *R, "--out", "results")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scans", *R), "there is no --out, but several scans"),
        (("scans", *R, "--out", "x.h5"), "--out x.h5 is a file, but several scans"),
        (("scans", *R, "--out", "scans"), "--out scans is the folder of the scans"),
        (("scans", "other", *R, "--out", "x"), "would both become a-zero-filled.h5"),
        (("empty", *R, "--out", "x"), "empty is a folder without .h5 files"),
        (("scans", "cg-sense", *R, "--out", "x"), "cg-sense is a method; name it first"),
        (("c.h5", "c-zero-filled.h5", *R, "--out", "."), "c-zero-filled.h5 is one of the scans"),
        (("scans", *R, "--use-mask", "--out", "x"), "exclude each other"),
        (("scans", *R, "--mask", "sparse", "--out", "x"), "unknown mask 'sparse'"),
        (("scans", "--mask", "none.npy", "--out", "x"), "there is no file none.npy"),
        (("scans", "--acceleration", "3", "--maps", "none.npy", "--out", "x"), "there is no file none.npy"),
        (("scans", "--acceleration", "3", "--prescan", "none.h5", "--out", "x"), "there is no file none.h5"),
        (("scans", *R, "--device", "quantum", "--out", "x"), "there is no device 'quantum'"),
        (("scans", *R, "--out", "c.h5/x"), "--out c.h5/x cannot be made"),
        (("scans", *R, "--out", "empty/strange"), "summary.csv has other columns"),
    ],
)
def test_what_cannot_go_well_is_refused_before_any_work(recon, tmp_path, kspace, arguments, message):
    (tmp_path / "empty/strange").mkdir(parents=True)
    (tmp_path / "empty/strange/summary.csv").write_text("mine\n1\n")
    (tmp_path / "other").mkdir()
    for name in ("other/a.h5", "c-zero-filled.h5"):
        write_scan(name, kspace)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    code, out, err = recon("zero-filled", *arguments)
    assert code == 2 and out == "" and message in err and err.count("\n") == 1
    after = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    assert after == before


@pytest.mark.usefixtures("no_pictures")
def test_a_note_is_told_once_and_kept_in_the_table(recon, tmp_path):
    code, _, err = recon("zero-filled", "scans", "--acceleration", "7", "--out", "results")
    assert code == 0 and err.count("coil maps at low resolution") == 1 and err.startswith("mrilab: note: a.h5: only")
    assert all("coil maps at low resolution" in row["note"] for row in rows(tmp_path / "results"))


@pytest.mark.usefixtures("no_pictures")
def test_a_scan_named_twice_is_done_once(recon, tmp_path):
    code, out, _ = recon("scans/a.h5", "scans", "./scans/a.h5", *R, "--out", "results")
    assert code == 0 and [row["scan"] for row in rows(tmp_path / "results")] == ["a.h5", "b.h5"] and "2 made" in out
    assert {row["method"] for row in rows(tmp_path / "results")} == {"l1-wavelet"}
