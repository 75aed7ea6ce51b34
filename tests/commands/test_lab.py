"""`mrilab lab`, `update` and `reset` on small lessons, and one server of JupyterLab."""

import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from mrilab import paths
from mrilab.cli import app
from mrilab.processes import Stopped


def write(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with three small lessons; JupyterLab does nothing. Returns its folder and what was run."""
    for name in ("00_a", "05_b", "05b_c"):
        write(tmp_path / "notebooks" / f"{name}.ipynb", "x = 1")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "WORK", tmp_path / "work")
    calls = []
    monkeypatch.setattr("mrilab.processes.run_module", lambda *words, **options: calls.append((words, options)) or 0)
    return tmp_path, calls


def run(*words):
    return CliRunner().invoke(app, [*words])


def test_lab_opens_copies_and_hands_on_what_it_does_not_know(clone):
    folder, calls = clone
    done = run("lab", "--no-browser", "--port", "8899")
    assert done.exit_code == 0 and f"copied 00_a, 05_b, 05b_c to {folder / 'work'}\n" in done.stdout
    first = str(folder / "work" / "00_a.ipynb")
    assert calls == [(("jupyterlab", "--no-browser", "--port", "8899", first), {"answers_interrupts": True})]
    assert run("lab").stdout == ""  # nothing to copy, nothing new
    write(folder / "notebooks" / "05_b.ipynb", "x = 2")
    assert run("lab").stdout == "lab: there are new versions of 05_b; `mrilab update` brings them in\n"


def test_a_students_copies_stay_so(clone):
    assert "without solutions" in run("lab", "--student").stdout
    write(clone[0] / "notebooks" / "06_d.ipynb", "x = 1")
    assert "copied 06_d" in (said := run("lab").stdout) and "without solutions" in said


def test_lab_ends_with_the_code_of_the_signal(clone, monkeypatch):
    def stopped(*words, **options):
        raise Stopped(15)

    monkeypatch.setattr("mrilab.processes.run_module", stopped)
    assert run("lab").exit_code == 143


def test_update_says_what_became_of_the_cells_and_goes_on_after_a_broken_copy(clone):
    folder, _ = clone
    run("lab")
    write(folder / "work" / "00_a.ipynb", "mine", "new")
    (folder / "work" / "05_b.ipynb").write_text("")
    for name in ("00_a", "05b_c"):
        write(folder / "notebooks" / f"{name}.ipynb", "x = 2", *(["y = 2"] if name == "05b_c" else []))
    done = run("update")
    assert done.exit_code == 2
    kept, beside = "1 cell kept as you changed them", "1 cell of these with the new version below yours"
    assert f"00_a: {kept}, {beside}, 1 cell of your own\n" in done.stdout
    assert "05b_c: 2 cells taken from the new version\n" in done.stdout and "05_b.ipynb cannot be read" in done.stderr
    assert sources(folder / "work" / "05b_c.ipynb") == ["x = 2", "y = 2"]
    assert sources(folder / "work" / "00_a.ipynb")[::2] == ["mine", "new"]
    (folder / "work" / "05_b.ipynb").unlink()
    done = run("update", "05_")
    assert done.exit_code == 0 and "05_b: copied\n" in done.stdout and "00_a" not in done.stdout
    assert "05b_c: up to date\n" in run("update").stdout


def test_reset_says_where_the_old_copy_lies_and_takes_one_lesson(clone):
    folder, _ = clone
    run("lab")
    write(folder / "work" / "00_a.ipynb", "mine")
    done = run("reset", "00")
    assert done.exit_code == 0 and done.stdout.endswith(f"yours is kept as {folder / 'work' / '00_a.1.ipynb'}\n")
    assert sources(folder / "work" / "00_a.ipynb") == ["x = 1"]
    assert sources(folder / "work" / "00_a.1.ipynb") == ["mine"]
    assert "'05' fits 05_b, 05b_c; give more of the name" in str(run("reset", "05").exception)
    assert "no lesson is called '07'" in str(run("reset", "07").exception)


def test_git_ignores_the_copies():
    if not (paths.ROOT / ".git").exists():
        pytest.skip("not a clone")
    ignored = subprocess.run(["git", "-C", paths.ROOT, "check-ignore", "-q", "work/00_start_here.ipynb"])
    assert ignored.returncode == 0
