"""`mrilab recon` with strange names, a full disk and too little memory."""

import functools
import io
import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from mrilab.cli import main
from mrilab.data.scans import write_scan
from mrilab.evaluation import panel, reconstruct

resource = pytest.importorskip("resource")  # Unix only

KOREAN = "환자 1"
BYTES = os.fsdecode(b"caf\xe9 \xff")
LONG = "a" * 243
WISH = ("--acceleration", "2", "--device", "cpu")


@pytest.fixture
def recon(tmp_path, monkeypatch):
    """Run `mrilab recon zero-filled NAME ...` in a folder of its own, on streams of an encoding.

    -> (exit code, stdout, stderr)
    """
    monkeypatch.chdir(tmp_path)

    def run(name, *arguments, encoding="utf-8", coils=2, shape=(48, 56)):
        generator = torch.Generator().manual_seed(4)
        write_scan(name, torch.randn(1, coils, *shape, dtype=torch.complex64, generator=generator))
        streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        monkeypatch.setattr(sys, "argv", ["mrilab", "recon", "zero-filled", name, *WISH, *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
        for stream in streams:
            stream.flush()
        return stop.value.code or 0, *(stream.buffer.getvalue().decode(encoding) for stream in streams)

    return run


def files(folder):
    return sorted(os.listdir(os.fsencode(folder)))


@pytest.mark.parametrize(
    ("name", "encoding"), [(r"a$b_{c$^\q", "utf-8"), (KOREAN, "cp1252"), (BYTES, "utf-8"), ("caf\xe9 😀", "ascii")]
)
def test_a_name_is_as_any_other(recon, tmp_path, name, encoding):
    code, out, err = recon(f"{name}.h5", encoding=encoding)
    assert code == 0, err
    shown = name.replace("\udce9", "?").replace("\udcff", "?")
    assert f"scan            {shown}.h5".encode(encoding, "backslashreplace").decode(encoding) in out
    endings = (".h5", "-zero-filled.h5", "-zero-filled.png")
    assert files(tmp_path) == sorted(os.fsencode(f"{name}{ending}") for ending in endings)
    with h5py.File(f"{name}-zero-filled.h5") as file:
        assert file.attrs["scan"] == f"{shown}.h5"
    with Image.open(f"{name}-zero-filled.png") as picture:
        assert picture.info["Title"] == f"{shown}.h5, slice 0"
    assert "Glyph" not in err


@pytest.mark.parametrize("name", [f"{KOREAN} caf\xe9 😀", BYTES])
def test_json_stays_json_in_a_narrow_encoding(recon, name):
    code, out, err = recon(f"{name}.h5", "--json", encoding="cp1252")
    assert code == 0, err
    summary = json.loads(out)
    shown = name.replace("\udce9", "?").replace("\udcff", "?")
    assert (summary["scan"], summary["output"]) == (f"{shown}.h5", f"{shown}-zero-filled.h5")


def test_the_title_shows_a_dollar_as_it_is(recon, monkeypatch):
    drawn = []
    monkeypatch.setattr(panel, "save_described", lambda path, figure, text: drawn.append(figure))
    recon("a$b_{c$.h5")
    (title,) = [text for text in drawn[0].texts if "slice" in text.get_text()]
    assert title.get_text() == "a$b_{c$.h5, slice 0" and not title.get_parse_math()


def test_a_sentence_about_a_strange_name_can_be_printed(tmp_path, recon):
    code, out, err = recon(f"{KOREAN}.h5", "--slice", "7", encoding="ascii")
    assert (code, out) == (2, "") and r"\ud658\uc790 1.h5 has no slice 7" in err


@pytest.mark.parametrize("stem", [LONG, "환" * 83])
def test_a_long_name_is_cut_and_a_note_says_so(recon, tmp_path, stem):
    code, out, err = recon(f"{stem}.h5")
    assert code == 0, err
    (h5,) = [name for name in files(tmp_path) if name.endswith(b"-zero-filled.h5")]
    assert h5.removesuffix(b".h5") + b".png" in files(tmp_path) and len(files(tmp_path)) == 3
    assert 252 < len(h5) + 1 <= 255 and stem.startswith(h5.decode().removesuffix("-zero-filled.h5"))
    assert err.startswith("mrilab: note: the name of ") and f"the result is {h5.decode()}\n" in err


def test_an_output_with_too_long_a_name_is_refused_before_the_work(recon, tmp_path):
    code, _, err = recon("scan.h5", "--out", f"{'b' * 252}.h5")  # the picture would take 256 bytes
    assert code == 2 and "is longer than 255 bytes; choose a shorter one for --out" in err
    assert files(tmp_path) == [b"scan.h5"]


@pytest.fixture
def room(monkeypatch):
    """Let no file grow beyond so many bytes once the work is done: the scan of the test itself has to be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    done = reconstruct.reconstruct

    def limit(size):
        @functools.wraps(done)
        def run(*arguments, **options):
            result = done(*arguments, **options)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
            return result

        monkeypatch.setattr(reconstruct, "reconstruct", run)

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_sentence(room, recon, tmp_path):
    room(8192)
    code, out, err = recon("scan.h5")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("mrilab: could not write scan-zero-filled.h5 (File too large); free some")
    assert files(tmp_path) == [b"scan.h5"]


def test_a_picture_that_does_not_fit_leaves_the_result(room, recon, tmp_path):
    room(60_000)  # the result has 37 kB, the picture more than 100 kB
    code, out, err = recon("scan.h5")
    assert (code, out) == (2, "")
    said = err.splitlines()[-1]
    assert said.startswith("mrilab: could not write scan-zero-filled.png (File too large)")
    assert said.endswith("(scan-zero-filled.h5 was written before and is whole)")
    assert files(tmp_path) == [b"scan-zero-filled.h5", b"scan.h5"]
    with h5py.File("scan-zero-filled.h5") as file:
        assert np.isfinite(file["reconstruction_complex"][()]).all()


def test_a_picture_without_memory_leaves_the_result(recon, tmp_path, monkeypatch):
    def fail(result, slice):
        raise MemoryError

    monkeypatch.setattr(panel, "draw_panel", fail)
    code, _, err = recon("scan.h5")
    assert code == 2 and "not enough memory" in err and "(scan-zero-filled.h5 was written before and is whole)" in err
    assert files(tmp_path) == [b"scan-zero-filled.h5", b"scan.h5"]


# The limit is set where the package has been imported: how much address space torch maps differs between machines
CHILD = """
import resource
from pathlib import Path
import mrilab.evaluation.panel
from mrilab.cli import main
from mrilab.methods.registry import available_methods
available_methods()
mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + 40 * 2**20,) * 2)  # k-space takes 16 MiB, its coil maps 60 and more
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_32_coils_in_little_memory_are_refused_in_a_sentence(tmp_path):
    write_scan(tmp_path / "scan.h5", torch.randn(1, 32, 256, 256, dtype=torch.complex64))
    command = [sys.executable, "-c", CHILD, "recon", "zero-filled", "scan.h5", *WISH]
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=one)
    assert done.returncode == 2, done.stderr
    *notes, said = done.stderr.splitlines()
    assert said.startswith("mrilab: ") and "not enough memory" in said and "--slice" in said
    assert all(note.startswith("mrilab: note: ") for note in notes)
    assert files(tmp_path) == [b"scan.h5"]
