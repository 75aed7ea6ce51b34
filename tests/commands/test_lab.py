"""`mrilab lab`, `update` and `reset` on small lessons, and one server of JupyterLab."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import nbformat
import psutil
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


SERVE = """
import sys
from pathlib import Path
from mrilab import cli, paths
folder = Path(sys.argv.pop(1))
paths.NOTEBOOKS, paths.WORK = folder / "notebooks", folder / "work"
cli.main()
"""


def ask(server, path, data=None):
    request = urllib.request.Request(f"{server['url']}api/{path}", data, {"Authorization": f"token {server['token']}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_jupyterlab_asks_after_an_interrupt_and_ends_with_its_kernels_on_sigterm(tmp_path):
    write(tmp_path / "notebooks" / "00_a.ipynb", "x = 1")
    runtime = tmp_path / "runtime"
    keyboard, terminal = os.openpty()  # Jupyter asks where there is a terminal
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["lab", "--no-browser", "--allow-root", "--ip", "127.0.0.1", "--port", str(port)]
    path = os.pathsep.join([str(paths.ROOT), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, tmp_path, *words], start_new_session=True, stdin=terminal,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": path, "JUPYTER_RUNTIME_DIR": str(runtime), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    family = []
    try:
        deadline = time.monotonic() + 120
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)  # it listens a moment later
        server = json.loads(found[0].read_text())
        assert {each["name"] for each in ask(server, "contents")["content"]} == {"00_a.ipynb"}
        kernel = ask(server, "kernels", b'{"name": "python3"}')["id"]
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("ipykernel_launcher" in " ".join(each.cmdline()) for each in family)

        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        time.sleep(2)
        assert [each["id"] for each in ask(server, "kernels")] == [kernel] and process.poll() is None
        process.terminate()
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        os.close(keyboard)
        os.close(terminal)
    assert "Shut down this Jupyter server (y/[n])?" in output
    assert process.returncode == 143
    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
