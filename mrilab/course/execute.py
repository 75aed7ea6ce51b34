"""Run one notebook with papermill and measure it."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from mrilab.machine import device_name, tree_memory

PROFILES = ("smoke", "teach")
RUN_KEY = "mrilab_run"  # the key of the Run in the metadata of an executed notebook
ADDED_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}
KERNEL_OPTIONS = [
    # A kernel that is stopped while it works would print its own traceback over ours.
    "--log-level=50",
    # Progress bars would freeze half-way on a static page.
    '--IPKernelApp.exec_lines=__import__("os").environ.update(TQDM_DISABLE="1")',
]
logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the page and the summary report an error once


@dataclass(frozen=True)
class Run:
    """How a notebook fared. The error's fields are None if it ran. `failed_cell` counts all its cells from 1."""

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
    """Run `source` with the parameter `profile` and leave the executed notebook, whole or failed, in `target`.

    A failing cell raises nothing here: it is part of the returned `Run`, and the notebooks after it still run.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    start, error = time.perf_counter(), None
    with PeakMemory() as memory:
        try:
            papermill.execute_notebook(
                source,
                target,
                {"profile": profile},
                cwd=source.parent,
                progress_bar=progress,
                extra_arguments=KERNEL_OPTIONS,
            )
        except KeyboardInterrupt:
            # the task that nbclient leaves behind may end with the same interrupt, and asyncio would report it again
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
        except PapermillExecutionError as failure:
            error = f"{failure.ename}: {failure.evalue}".rstrip(": ")
        except Exception as failure:  # a dead kernel, a broken file: whatever it is, it belongs on the page
            error = f"{type(failure).__name__}: {failure}"
    seconds = time.perf_counter() - start
    # a notebook that failed before its first cell was never written
    notebook = nbformat.read(target, as_version=4) if target.is_file() else nbformat.v4.new_notebook()
    notebook.cells = own_cells(notebook)
    run = Run(
        name=source.stem,
        profile=profile,
        seconds=round(seconds, 1),
        peak_memory_mb=round(memory.peak / 2**20),
        device=device_name(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        **({"error": error} | _last_started(notebook.cells) if error else {}),
    )
    notebook.metadata[RUN_KEY] = asdict(run)
    nbformat.write(notebook, target)
    return run


def own_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the author's cells, without those that papermill put in."""
    return [cell for cell in notebook.cells if not ADDED_BY_PAPERMILL & set(cell.metadata.get("tags", []))]


def last_run(notebook: NotebookNode) -> Run | None:
    """Return the `Run` that `execute` left in a notebook; None where it was never run to its end."""
    return Run(**notebook.metadata[RUN_KEY]) if RUN_KEY in notebook.metadata else None


class PeakMemory(threading.Thread):
    """Sample, ten times a second, the memory of the processes that start inside the block. `peak` is in bytes."""

    def __enter__(self) -> PeakMemory:
        self.peak = 0
        self._before = set(psutil.Process().children(recursive=True))
        self._left = threading.Event()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self.join()

    def run(self) -> None:
        me = psutil.Process()
        while not self._left.wait(0.1):
            self.peak = max(self.peak, tree_memory(set(me.children(recursive=True)) - self._before))


def _last_started(cells: list[NotebookNode]) -> dict[str, Any]:
    """Return number and source of the last cell that started: it raised, or the kernel died in it."""
    for number, cell in reversed(list(enumerate(cells, start=1))):
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time"):
            return {"failed_cell": number, "failed_source": cell.source}
    return {}
