"""Files and wishes that cannot work: one clear sentence on stderr, exit code 2, no traceback, no output file."""

import subprocess
import sys
import warnings

import h5py
import numpy as np
import pytest
import torch

from mrilab.cli import main
from mrilab.data.scans import read_scan, write_scan
from mrilab.errors import UserError

SHAPE = (1, 3, 24, 20)  # slices, coils, H, W


def numbers(shape=SHAPE):
    generator = torch.Generator().manual_seed(3)
    return 1e-6 * torch.randn(shape, generator=generator, dtype=torch.complex64)


def good(path):
    write_scan(path, numbers())
    return path


def with_kspace(change, mask=None):
    """A maker of files whose k-space is `change` of a good one."""

    def make(path):
        with h5py.File(path, "w") as file:
            file["kspace"] = change(numbers().numpy())
            if mask is not None:
                file["mask"] = mask

    return make


def spoiled(value):
    def change(kspace):
        kspace[0, 1, 5, 6] = value
        return kspace

    return change


def other_content(**content):
    def make(path):
        with h5py.File(path, "w") as file:
            for name, value in content.items():
                file[name] = value

    return make


def cut(share):
    def make(path):
        whole = good(path).read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])

    return make


def radial(path):
    write_scan(path, numbers(), header={"trajectory": "radial"})


def group_as_kspace(path):
    with h5py.File(path, "w") as file:
        file.create_group("kspace")["data"] = 1


def too_large(path):
    with h5py.File(path, "w") as file:  # chunked, nothing allocated: the file has a few kilobytes
        file.create_dataset("kspace", (1, 64, 10**6, 10**6), np.complex64, chunks=(1, 1, 64, 64))


FILES = {
    "missing": (lambda path: None, "there is no file"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "empty file": (lambda path: path.write_bytes(b""), "not an HDF5 file"),
    "text file": (lambda path: path.write_text("kspace = 1\n"), "not an HDF5 file"),
    "cut in the middle": (cut(0.5), "cut short"),
    "cut in the header": (cut(0.01), "not an HDF5 file, or is damaged|cut short"),
    "no kspace": (other_content(image=np.ones((4, 4))), "no dataset `kspace` (it holds image)"),
    "nothing in it": (other_content(), "no dataset `kspace` (it holds nothing)"),
    "kspace is a group": (group_as_kspace, "no dataset `kspace`"),
    "real numbers": (with_kspace(np.abs), "it must be complex"),
    "whole numbers": (with_kspace(lambda k: np.ones(k.shape, int)), "it must be complex"),
    "text as kspace": (other_content(kspace="abc"), "it must be complex"),
    "rank 2": (with_kspace(lambda k: k[0, 0]), "must be (slices, coils, H, W)"),
    "rank 5": (with_kspace(lambda k: k[None]), "must be (slices, coils, H, W)"),
    "scalar": (with_kspace(lambda k: k[0, 0, 0, 0]), "must be (slices, coils, H, W)"),
    "zero slices": (with_kspace(lambda k: k[:0]), "is empty"),
    "zero coils": (with_kspace(lambda k: k[:, :0]), "is empty"),
    "a few points": (with_kspace(lambda k: k[..., :3, :3]), "3 x 3 points"),
    "NaN": (with_kspace(spoiled(np.nan)), "NaN or infinite"),
    "infinity": (with_kspace(spoiled(np.inf)), "NaN or infinite"),
    "beyond float32": (with_kspace(lambda k: k.astype(complex) * 1e60), "NaN or infinite"),
    "all zero": (with_kspace(lambda k: 0 * k), "all zero"),
    "zero centre": (with_kspace(lambda k: k * (np.arange(20) < 3)), "calibration|centre of k-space"),
    "larger than memory": (too_large, "GiB of memory"),
    "radial": (radial, "only Cartesian"),
    "mask of another length": (with_kspace(lambda k: k, np.ones(7)), "`mask`"),
    "mask of another shape": (with_kspace(lambda k: k, np.ones((20, 24))), "`mask`"),
    "mask of rank 3": (with_kspace(lambda k: k, np.ones((2, 24, 20))), "`mask`"),
    "mask larger than kspace": (with_kspace(lambda k: k, np.ones((9, 24, 20))), "larger than `kspace`"),
    "mask of text": (with_kspace(lambda k: k, "none"), "not an array of numbers"),
    "mask of NaN": (with_kspace(lambda k: k, np.full(20, np.nan)), "NaN or infinite"),
    "mask of nothing": (with_kspace(lambda k: k, np.zeros(20)), "samples nothing"),
}
WISHES = {
    "slice out of range": (["--slice", "1"], "has no slice 1; it has 1"),
    "acceleration 0": (["--acceleration", "0"], "acceleration 0 is impossible"),
    "acceleration below 1": (["--acceleration", "0.5"], "acceleration 0.5 is impossible"),
    "acceleration negative": (["--acceleration", "-4"], "acceleration -4 is impossible"),
    "acceleration nan": (["--acceleration", "nan"], "acceleration nan is impossible"),
    "acceleration beyond the lines": (["--acceleration", "21"], "acceleration 21 is impossible"),
    "acceleration in words": (["--acceleration", "four"], "--acceleration takes a number, not 'four'"),
    "no acceleration": ([], "give --acceleration R"),
    "no mask to use": (["--use-mask"], "fully sampled and has no mask"),
    "both": (["--use-mask", "--acceleration", "4"], "exclude each other"),
    "unknown method": (["--method", "magic"], "choose one of cg-sense, convdecoder, ddim, dds, flat, infomri, ista"),
    "unknown mask": (["--acceleration", "4", "--mask", "spiral"], "choose one of equispaced"),
    "unknown direction": (["--acceleration", "4", "--direction", "up"], "vertical"),
    "unknown option": (["--acceleration", "4", "--iteration", "9"], "did you mean --iterations"),
    "misspelt option": (["--aceleration", "4"], "did you mean --acceleration"),
    "option of another type": (
        ["--acceleration", "4", "--iterations", "x"],
        "--iterations takes a whole number",
    ),
    "option without value": (["--acceleration", "4", "--iterations"], "--iterations takes a whole number, not '--out'"),
    "option out of range": (["--acceleration", "4", "--weight", "-1"], "--weight -1 is not possible"),
    "negative iterations": (["--acceleration", "4", "--iterations", "0"], "--iterations 0 is not possible"),
    "unknown wavelet": (
        ["--method", "l1-wavelet", "--acceleration", "2", "--wavelet", "w"],
        "unknown wavelet",
    ),
    "too many levels": (["--method", "l1-wavelet", "--acceleration", "2", "--levels", "9"], "--levels 9"),
    "unknown device": (["--acceleration", "4", "--device", "abacus"], "there is no device"),
    "missing prescan": (["--acceleration", "4", "--prescan", "nowhere.h5"], "there is no file nowhere.h5"),
    "maps from nowhere": (["--acceleration", "4", "--maps-from", "thin air"], "choose acs or prescan"),
    "oversampling 0": (["--acceleration", "4", "--oversampling", "0"], "oversampling 0 is impossible"),
    "two scans": (["--acceleration", "4", "other.h5"], "several scans give several results"),
}


def run(monkeypatch, capfd, *arguments):
    """`mrilab recon ...` in this process -> (exit code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["mrilab", "recon", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, *capfd.readouterr()


def assert_refused(code, out, err, folder, message, before):
    assert code == 2, err
    assert out == ""
    sentences = [line for line in err.splitlines() if not line.startswith("mrilab: note: ")]
    assert any(part in err for part in message.split("|")), err
    assert "Traceback" not in err
    assert len(sentences) == 1 and sentences[0].startswith("mrilab: ") and len(sentences[0]) < 400
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read(name, tmp_path, monkeypatch, capfd):
    make, message = FILES[name]
    scan = tmp_path / "scan.h5"
    make(scan)
    before = set(tmp_path.rglob("*"))
    result = run(
        monkeypatch, capfd, scan, "--method", "cg-sense", "--out", tmp_path / "out.h5",
        *([] if "mask" in name else ["--acceleration", "2"]),
    )  # fmt: skip
    assert_refused(*result, tmp_path, message, before)
    assert str(scan) in result[2] or "calibration" in result[2] or "centre" in result[2]


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_that_cannot_be_granted(name, tmp_path, monkeypatch, capfd):
    arguments, message = WISHES[name]
    scan = good(tmp_path / "scan.h5")
    before = set(tmp_path.rglob("*"))
    method = [] if "--method" in arguments else ["--method", "cg-sense"]
    slice_needs = ["--acceleration", "2"] if "--slice" in arguments else []
    result = run(monkeypatch, capfd, scan, *method, *arguments, *slice_needs, "--out", tmp_path / "out.h5")
    assert_refused(*result, tmp_path, message, before)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("scan.h5", "would overwrite an input"),
        ("folder.h5", "is a folder"),
        ("picture.png", "must end in .h5"),
        ("scan.h5/out.h5", "not a writable folder"),
    ],
)
def test_an_output_that_cannot_be_written(out, message, tmp_path, monkeypatch, capfd):
    scan = good(tmp_path / "scan.h5")
    (tmp_path / "folder.h5").mkdir()
    content, before = scan.read_bytes(), set(tmp_path.rglob("*"))
    result = run(monkeypatch, capfd, scan, "--method", "zero-filled", "--acceleration", "2", "--out", tmp_path / out)
    assert_refused(*result, tmp_path, message, before)
    assert scan.read_bytes() == content


def test_an_undersampled_scan_is_not_undersampled_again(tmp_path, monkeypatch, capfd):
    lines = torch.arange(20)[None] % 2 == 0
    write_scan(tmp_path / "scan.h5", numbers() * lines, mask=lines)
    before = set(tmp_path.rglob("*"))
    result = run(
        monkeypatch, capfd, tmp_path / "scan.h5", "--method", "cg-sense", "--acceleration", "4",
        "--out", tmp_path / "out.h5",
    )  # fmt: skip
    assert_refused(*result, tmp_path, "is undersampled already", before)


@pytest.mark.parametrize("kind", ["text file", "NaN"])
def test_the_real_command_refuses_too(kind, tmp_path):
    make, message = FILES[kind]
    make(tmp_path / "scan.h5")
    done = subprocess.run(
        [sys.executable, "-m", "mrilab", "recon", "scan.h5", "--method", "zero-filled", "--acceleration", "2"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert_refused(done.returncode, done.stdout, done.stderr, tmp_path, message, {tmp_path / "scan.h5"})


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = good(tmp_path / "good.h5").read_bytes()
    path = tmp_path / "cut.h5"
    for length in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_scan(path)
