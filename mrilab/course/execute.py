"""Run one notebook with papermill and measure it."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import papermill
import psutil
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from mrilab.machine import device_name, tree_memory

PROFILES = ("smoke", "teach", "full")
RUN_KEY = "mrilab_run"  # where an executed copy keeps its Run, in the notebook's metadata
ADDED_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True)
class Run:
    """How a notebook fared; the error's fields are None if it ran, `failed_cell` counts all its cells from 1."""

    name: str
    profile: str
    seconds: float
    peak_memory_mb: float
    device: str
    finished: str
    error: str | None = None
    failed_cell: int | None = None
    failed_source: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def execute(source: Path, target: Path, profile: str, progress: bool | dict = False) -> Run:
    """Run `source` with the parameter `profile`; leave the executed notebook, whole or failed, in `target`.

    A failing cell is no exception here but part of the returned `Run`: the notebooks after it still run.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    start, error = time.perf_counter(), None
    with PeakMemory() as memory, _quiet_kernel():
        try:
            papermill.execute_notebook(
                source,
                target,
                {"profile": profile},
                cwd=source.parent,
                progress_bar=progress,
                # a kernel that is stopped while it works would print its own traceback over ours
                extra_arguments=["--log-level=50"],
            )
        except PapermillExecutionError as failure:
            error = f"{failure.ename}: {failure.evalue}".rstrip(": ")
        except Exception as failure:  # a dead kernel, a broken file: whatever it is, it belongs on the page
            error = f"{type(failure).__name__}: {failure}"
    seconds = time.perf_counter() - start
    notebook = _read_or_empty(target)
    failed_cell, failed_source = _failed_cell(notebook) if error else (None, None)
    run = Run(
        name=source.stem,
        profile=profile,
        seconds=round(seconds, 1),
        peak_memory_mb=round(memory.peak / 2**20),
        device=device_name(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        error=error,
        failed_cell=failed_cell,
        failed_source=failed_source,
    )
    notebook.cells = own_cells(notebook)
    notebook.metadata[RUN_KEY] = asdict(run)
    nbformat.write(notebook, target)
    return run


def own_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The author's cells, without those that papermill put in."""
    return [cell for cell in notebook.cells if not ADDED_BY_PAPERMILL & set(cell.metadata.get("tags", []))]


def last_run(executed: NotebookNode) -> Run:
    """The `Run` that `execute` left in an executed notebook."""
    return Run(**executed.metadata[RUN_KEY])


class PeakMemory:
    """Largest resident memory (bytes) of the processes started inside the block, sampled ten times a second."""

    def __enter__(self) -> PeakMemory:
        self.peak = 0
        self._before = set(psutil.Process().children(recursive=True))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, tree_memory(set(me.children(recursive=True)) - self._before))


@contextmanager
def _quiet_kernel():
    """Kernels started inside show no progress bars, which would freeze half-way on a static page."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    papermill_log = logging.getLogger("papermill")
    level = papermill_log.level
    papermill_log.setLevel(logging.CRITICAL)  # the run's error is reported once, by the page and the summary
    try:
        yield
    finally:
        papermill_log.setLevel(level)
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before


def _read_or_empty(path: Path) -> NotebookNode:
    if not path.is_file():  # it failed before its first cell
        return nbformat.v4.new_notebook()
    return nbformat.read(path, as_version=4)


def _failed_cell(notebook: NotebookNode) -> tuple[int | None, str | None]:
    """Number and source of the last cell that was started: the one that raised, or in which the kernel died."""
    started = [
        (number, cell.source)
        for number, cell in enumerate(own_cells(notebook), start=1)
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time")
    ]
    return started[-1] if started else (None, None)
