import hashlib
import json
import re
import subprocess
import sys

import pytest

from mrilab.course import check
from mrilab.data.recipes import RECIPES


def test_this_machine_gets_a_verdict_from_the_command():
    done = subprocess.run([sys.executable, "-m", "mrilab", "check"], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    missing = sum(line.startswith("MISSING") for line in lines)
    assert done.returncode == (1 if missing else 0) and done.stderr == ""
    assert lines[-1] == ("check: OK" if not missing else f"check: {missing} to mend, see the arrows above")
    for what in ("python", "packages", "device", "memory", "disk", "embedded data", "checkpoints", "lessons", "kernel"):
        assert any(re.match(rf"(OK|MISSING)\s+{what}", line) for line in lines), what
    assert sum(line.strip().startswith("->") for line in lines) == missing


def test_an_old_python_is_named():
    assert check.check_python(">=3.11").ok
    finding = check.check_python(">=99")
    assert "install Python >=99" in str(finding) and finding.seen == sys.version.split()[0]


def test_packages_that_are_missing_or_too_old_are_named():
    assert check.check_packages(["numpy>=1.26", "torch>=2.8"]).ok
    finding = check.check_packages(["numpy>=99", "no-such-package>=1", "torch>=2.8"])
    assert re.search(r"numpy>=99 \(found [\d.]+\), no-such-package>=1 \(not installed\)", finding.seen)
    assert "torch" not in finding.seen and finding.mend


def test_room_is_held_against_the_need():
    assert check.check_room("disk free", 5 * 2**30, 4, "make room").ok
    assert "make room: the course needs 4 GB" in str(check.check_room("disk free", 3 * 2**30, 4, "make room"))


def test_data_that_are_not_built_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("mrilab.data.embedded.embedded_folder", lambda: tmp_path)
    finding = check.check_data()
    assert not finding.ok and all(name in finding.seen for name in RECIPES)


@pytest.fixture
def checkpoints(tmp_path):
    (tmp_path / "prior.safetensors").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "prior.json").write_text(json.dumps({"sha256": digest}))
    return tmp_path


def test_checkpoints_are_held_against_their_cards(checkpoints):
    assert check.check_checkpoints(checkpoints).seen == "1 present and intact"
    (checkpoints / "prior.safetensors").write_bytes(b"weight")
    assert "not the file that its card describes" in check.check_checkpoints(checkpoints).seen
    (checkpoints / "prior.safetensors").unlink()
    assert "prior.safetensors is missing" in check.check_checkpoints(checkpoints).seen


def test_a_checkpoint_without_a_card_is_named(checkpoints):
    (checkpoints / "other.safetensors").write_bytes(b"x")
    assert "no card beside other.safetensors" in check.check_checkpoints(checkpoints).seen


def test_no_checkpoints_are_needed_yet(tmp_path):
    assert check.check_checkpoints(tmp_path / "none").ok


def test_lessons_are_listed(tmp_path):
    assert "clone the repository" in str(check.check_notebooks(tmp_path))
    (tmp_path / "00_a.ipynb").write_text("{}")
    assert check.check_notebooks(tmp_path).seen == "00_a"
