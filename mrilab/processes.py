"""Run a module of Python as a child that ends when this process is told to end."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

from mrilab.paths import course_folder

PATIENCE = 10.0  # seconds for a child to end by itself, with what it has started


class Stopped(Exception):
    """Somebody sent a signal. `code` is the exit code that tells so: 130 after Ctrl-C, 143 after SIGTERM."""

    def __init__(self, number: int):
        super().__init__(f"stopped by signal {number}")
        self.code = 128 + number


def run_module(*arguments: str, answers_interrupts: bool = False) -> int:
    """Run `python -m ...` in the clone's root and return its exit code.

    Ctrl-C reaches the child as well, because a terminal sends it to both. With `answers_interrupts` the child decides
    what becomes of it, as Jupyter does, which asks first. Else the child has ten seconds to end. SIGTERM is handed on
    to the child. What the child has started and left behind is ended after it.

    Raises:
        Stopped: Ctrl-C or SIGTERM has ended the child.
    """
    told: list[int] = []
    family: list[psutil.Process] = []

    def note(number: int) -> None:
        if number == signal.SIGINT and answers_interrupts:
            return
        told.append(number)
        family.extend(psutil.Process().children(recursive=True))  # now: an orphan is found no more

    with _handled(note):
        child = subprocess.Popen([sys.executable, "-m", *arguments], cwd=course_folder())
        code = None
        while code is None and not told:
            with suppress(subprocess.TimeoutExpired):
                code = child.wait(timeout=0.2)
        if told:
            _end(child, family, warned=told[0] == signal.SIGINT)
            raise Stopped(told[0])
    return child.returncode


@contextmanager
def _handled(note: Callable[[int], None]) -> Iterator[None]:
    """Call `note` on SIGINT and SIGTERM inside the block. It is never SIG_IGN, which a child would inherit."""

    def handle(number: int, frame: FrameType | None) -> None:
        note(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen, family: list[psutil.Process], warned: bool) -> None:
    """Wait for the child, which gets SIGTERM unless it was warned. Then end what is alive of its family."""
    if not warned:
        child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=PATIENCE)
    _, alive = psutil.wait_procs(family, timeout=0.5)
    for force in (psutil.Process.terminate, psutil.Process.kill):
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                force(process)
        _, alive = psutil.wait_procs(alive, timeout=PATIENCE / 2)
    child.wait()
