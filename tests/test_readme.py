"""The README's commands, word for word: all are parsed, and those that take seconds are run."""

import itertools
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest
import torch
from typer.core import TyperCommand
from typer.testing import CliRunner

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.cli import app
from mrilab.data.scans import write_scan
from mrilab.paths import ROOT
from mrilab.physics.sampling import equispaced_mask

README = (ROOT / "README.md").read_text(encoding="utf-8")
STARTERS = (
    "make",
    "mrilab",
    "python3",
    ".venv/bin/python",
    "py",
    r".venv\Scripts\python",
    "conda",
    "torchrun",
    "sbatch",
)
QUICK = (["mrilab", "mask"], ["mrilab", "recon", "l1-wavelet"], ["mrilab", "recon", "cg-sense"])


def commands(lines: list[str]) -> list[str]:
    """Those that begin with a program, without their comments, once each."""
    found = dict.fromkeys(line.partition("  #")[0].strip() for line in lines)
    return [line for line in found if line and line.split()[0] in STARTERS]


COMMANDS = commands(re.findall(r"^    (\S.*)$", README, re.MULTILINE))
NAMED = commands(re.findall(r"`([^`\n]+)`", re.sub(r"^(?:    |```).*$", "", README, flags=re.MULTILINE)))


def words(line: str) -> list[str]:
    return shlex.split(line.replace("\\", "/"), comments=True)


def of_mrilab(line: str) -> list[str] | None:
    """The words after `mrilab` or `python -m mrilab` or sbatch's script; None of another program."""
    found = words(line)
    if found[0] == "sbatch":
        return ["train", *found[2:]]
    return found[found.index("mrilab") + 1 :] if "mrilab" in found else None


def test_there_are_commands_of_all_kinds():
    assert len(COMMANDS) > 30 and {line.split()[0] for line in COMMANDS} | {"conda"} == set(STARTERS)
    assert len(NAMED) > 8


@pytest.mark.parametrize("line", [line for line in COMMANDS if of_mrilab(line)])
def test_the_command_line_understands_it(line, monkeypatch, tmp_path):
    """Names, options and the kinds of their values are those of `--help`; the command itself is not run."""
    called = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text("steps = 2000\n")
    monkeypatch.setattr(TyperCommand, "invoke", lambda self, context: called.append((self, context)))
    done = CliRunner().invoke(app, of_mrilab(line), prog_name="mrilab")
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    ((command, context),) = called
    assert context.args == [], f"{command.name} does not know {context.args}"


@pytest.mark.parametrize("line", [line for line in NAMED if line.startswith("mrilab ")])
def test_a_command_that_a_sentence_names_has_a_help_that_names_its_options(line):
    """Nothing of it is parsed as it stands, because an option may do something at once."""
    found = of_mrilab(line)
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), found))[:1]
    done = CliRunner().invoke(app, [*names, "--help"], prog_name="mrilab")
    assert done.exit_code == 0 and all(word in done.stdout for word in found if word.startswith("--")), done.output


@pytest.mark.parametrize("line", [line for line in [*COMMANDS, *NAMED] if line.startswith("make")])
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_knows_the_target_and_hands_its_arguments_to_a_command(line, monkeypatch, tmp_path):
    done = subprocess.run([*words(line), "-n"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (called,) = re.findall(r"-m mrilab (.*)", done.stdout)
    test_the_command_line_understands_it(f"mrilab {called}", monkeypatch, tmp_path)


@pytest.mark.parametrize("line", [*COMMANDS, *NAMED])
def test_the_files_that_it_names_are_there(line):
    found = words(line)
    for option in ("-r", "-f"):
        if option in found:
            assert (ROOT / found[found.index(option) + 1]).is_file()
    if found[0] == "sbatch":
        assert (ROOT / found[1]).is_file()


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder with the scans and maps that the README names, as large as the mask that it writes."""
    folder = tmp_path_factory.mktemp("scans")
    generator = torch.Generator().manual_seed(5)
    coils, image = random_array(4, generator), random_ellipses(8, generator).image((640, 736))
    kspace = simulate_scan(image[None], coils.maps((640, 736)), (320, 368), 0.01, generator)
    mask = equispaced_mask((320, 368), 4)
    write_scan(folder / "SCAN.h5", kspace)
    write_scan(folder / "UNDERSAMPLED.h5", kspace * mask, mask)
    np.save(folder / "MAPS.npy", coils.maps((320, 368)).numpy())
    return folder


@pytest.mark.slow
def test_the_quick_ones_run_in_the_order_of_the_readme(scans, monkeypatch):
    monkeypatch.chdir(scans)
    quick = [line for line in COMMANDS if any(words(line)[: len(start)] == start for start in QUICK)]
    quick.sort(key=lambda line: "mrilab mask" not in line)  # a reconstruction takes the lines that one of them writes
    assert len(quick) >= 5
    for line in quick:
        done = CliRunner().invoke(app, of_mrilab(line), prog_name="mrilab")
        assert done.exit_code == 0, f"{line}\n{done.output} {done.exception}"
        if "--out" in words(line):
            out = scans / words(line)[words(line).index("--out") + 1]
            assert out.is_file(), line
            if out.suffix == ".h5":
                out.unlink()  # the next one writes to the same name


@pytest.mark.slow
def test_the_python_runs(scans, monkeypatch, capsys):
    monkeypatch.chdir(scans)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "psnr" in capsys.readouterr().out
