"""A child ends with its parent: on SIGTERM, on Ctrl-C, with what it has started in a session of its own."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from mrilab.processes import run_module

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

PARENT = "import sys; from mrilab.processes import Stopped, run_module\ntry:\n    sys.exit(run_module({arguments}))\n"
PARENT += "except Stopped as stop:\n    sys.exit(stop.code)\n"
CHILD = """
import os, signal, subprocess, sys, time
if {ignores}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
kernel = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("ready", "w").write(str(kernel.pid))
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path, monkeypatch):
    """A function that starts parent, child and grandchild, and returns the parent and the other two."""
    started = []

    def start(ignores=False, **options):
        (tmp_path / "slow.py").write_text(CHILD.format(ignores=ignores))
        words = ", ".join(["'slow'", *(f"{name}={value}" for name, value in options.items())])
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        parent = subprocess.Popen(
            [sys.executable, "-c", f"import mrilab.processes as p; p.course_folder = lambda: {str(tmp_path)!r}\n"
             "p.PATIENCE = 2\n" + PARENT.format(arguments=words)],
            env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not (tmp_path / "ready").exists() or not (pid := (tmp_path / "ready").read_text()):
            assert parent.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        (child,) = psutil.Process(parent.pid).children()
        started.extend([child, psutil.Process(int(pid))])
        return parent, started

    yield start
    for process in started:
        if process.is_running():
            process.kill()


def ended(processes):
    return not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("ignores", [False, True])
def test_sigterm_ends_the_child_and_what_it_started(family, ignores):
    parent, others = family(ignores)
    parent.terminate()
    assert parent.wait(timeout=60) == 143 and ended(others)


@pytest.mark.parametrize("ignores", [False, True])
def test_an_interrupt_of_all_in_the_terminal_ends_them(family, ignores):
    """As Ctrl-C does it: parent and child get it, the grandchild in a session of its own does not."""
    parent, others = family(ignores)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(timeout=60) == 130 and ended(others)


def test_a_child_that_answers_interrupts_lives_on(family):
    parent, others = family(ignores=True, answers_interrupts=True)
    for _ in range(2):
        os.killpg(parent.pid, signal.SIGINT)
        time.sleep(0.5)
    assert parent.poll() is None and all(each.is_running() for each in others)
    parent.terminate()
    assert parent.wait(timeout=60) == 143 and ended(others)


def test_without_a_signal_the_code_is_the_childs_and_handlers_are_as_before(tmp_path, monkeypatch):
    monkeypatch.setattr("mrilab.processes.course_folder", lambda: tmp_path)
    (tmp_path / "ends.py").write_text("import sys; sys.exit(7)")
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert run_module("ends") == 7
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
