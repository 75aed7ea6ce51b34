"""Run a module of Python as a child that ends when this process is told to end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

from mrilab.paths import course_folder

PATIENCE = 10.0  # seconds for a child to end by itself, with what it has started


class Stopped(Exception):
    """Somebody sent a signal. `code` is the exit code that tells so: 130 after Ctrl-C, 143 after SIGTERM."""

    def __init__(self, number: int):
        super().__init__(f"stopped by signal {number}")
        self.number = number
        self.code = 128 + number


def run_module(*arguments: str, answers_interrupts: bool = False) -> int:
    """Run `python -m ...` in the clone's root and return its exit code.

    Ctrl-C reaches the child as well, because a terminal sends it to both. With `answers_interrupts` the child decides
    what becomes of it, as Jupyter does, which asks first. Else the child has ten seconds to end. SIGTERM is handed on
    to the child. What the child has started and left behind is ended after it.

    Raises:
        Stopped: Ctrl-C or SIGTERM has ended the child.
    """
    folder = course_folder()
    with _raising(ignored={signal.SIGINT} if answers_interrupts else set()):
        child = subprocess.Popen([sys.executable, "-m", *arguments], cwd=folder)
        try:
            return child.wait()
        except Stopped as stop:
            with _raising(ignored={signal.SIGINT, signal.SIGTERM}):  # it is ending already
                _end(child, told=stop.number == signal.SIGINT)
            raise


@contextmanager
def _raising(ignored: set[signal.Signals]) -> Iterator[None]:
    """Raise `Stopped` on SIGINT and SIGTERM inside the block, and do nothing on those that are ignored.

    What is ignored has a handler as well: a child would inherit SIG_IGN.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if number not in ignored:
            raise Stopped(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen, told: bool) -> None:
    """Wait for the child, which gets SIGTERM unless it was told before. Then end what it has left behind."""
    try:
        first = psutil.Process(child.pid)
        family = [first, *first.children(recursive=True)]  # now: whoever loses its parent is found no more
    except psutil.NoSuchProcess:
        return
    if not told:
        child.terminate()
    psutil.wait_procs(family[:1], timeout=PATIENCE)
    _, alive = psutil.wait_procs(family, timeout=0.5)
    for force in (psutil.Process.terminate, psutil.Process.kill):
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                force(process)
        _, alive = psutil.wait_procs(alive, timeout=PATIENCE / 2)
    child.wait()
