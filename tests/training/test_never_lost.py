"""A finished training is never lost: a checkpoint that cannot be written is told, and written by --resume."""

import os
import resource
import subprocess
import sys

import pytest
from training_toy import Toy, settings

from mrilab.errors import UserError
from mrilab.paths import ROOT
from mrilab.training import engine
from mrilab.training.checkpoints import load_checkpoint
from mrilab.training.engine import STATE, fit
from mrilab.training.state import read_state


def train(out, *options, largest=None):
    """Train in another process, which may write files of at most `largest` bytes, as on a disk that is full."""

    def limit():
        if largest:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    command = [sys.executable, "-m", "mrilab", "train", "score-t2", "--profile", "smoke", "--steps", "2"]
    command += ["--out", str(out), *options]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit)


@pytest.mark.slow
def test_a_checkpoint_that_finds_no_room_is_written_by_resume(tmp_path):
    assert train(tmp_path).returncode == 0
    for name in ("score-t2.safetensors", "score-t2.json"):
        (tmp_path / name).unlink()
    before = (tmp_path / STATE).read_bytes()
    full = train(tmp_path, "--resume", largest=100_000)
    assert full.returncode == 2
    said = full.stderr.splitlines()[-1]
    assert "the checkpoint score-t2 could not be written" in said and "--resume, which writes it" in said
    assert "Traceback" not in full.stderr and (tmp_path / STATE).read_bytes() == before
    assert not list(tmp_path.glob("*score-t2*"))
    assert train(tmp_path, "--resume").returncode == 0
    assert load_checkpoint("score-t2", tmp_path)[1]["steps"] == 2


def test_a_state_that_finds_no_room_leaves_the_one_before(tmp_path, monkeypatch):
    real, calls = engine.save_state, []

    def save(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(engine, "save_state", save)
    with pytest.raises(UserError, match="No space left on device.*saved last is kept.*add --resume"):
        fit(Toy(), settings(8), tmp_path, checkpoint_seconds=0, progress=False)
    assert read_state(tmp_path / STATE)[1]["step"] == 3
    monkeypatch.undo()
    assert fit(Toy(), settings(8), tmp_path, resume=True, progress=False).step == 8
