"""Header cards: what a lesson says about itself, and the measured row that the runner writes.

The header card is the markdown cell tagged `header-card`: a heading, a table of facts with two columns, one of
whose rows is called "Measured run time and peak memory", and the goals as a list.
"""

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mrilab.course.execute import PROFILES, Run, own_cells
from mrilab.course.folding import hide_folded
from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError

WIDGET = "application/vnd.jupyter.widget-view+json"
ROW = re.compile(r"^\|(?P<key>[^|\n]*)\|(?P<value>.*)\|[ \t]*$", re.MULTILINE)
MEASURED = re.compile(r"^(\|[^|\n]*measured[^|\n]*\|).*\|", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Card:
    """A lesson's title, its goals, and its facts by their names ("Reading", "Device", ...)."""

    title: str
    goals: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Return the cells with this tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def read_card(notebook: NotebookNode, name: str) -> Card:
    """Read the header card. Without one the title is the first heading, or else `name`."""
    texts = [cell.source for cell in tagged(notebook, "header-card")]
    card = "\n".join(texts)
    texts += [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    heading = re.search(r"^#\s+(.+)$", "\n".join(texts), re.MULTILINE)
    return Card(
        title=heading[1].strip() if heading else name,
        goals=[goal.strip() for goal in re.findall(r"^\s*[-*]\s+(.+)$", card, re.MULTILINE)],
        facts={row["key"].strip(" *"): row["value"].strip() for row in ROW.finditer(card)},
    )


def measured_text(measured: dict[str, dict]) -> str:
    """Say {"teach": {"seconds": 93, "peak_memory_mb": 1200, "device": ...}} in words, one part a profile."""
    parts = {
        profile: f"{duration(row['seconds'])}, {memory(row['peak_memory_mb'])} on {row['device']}"
        for profile, row in measured.items()
    }
    return "; ".join(f"{profile}: {parts.get(profile, 'not measured yet')}" for profile in PROFILES)


def duration(seconds: float) -> str:
    """Say seconds in words.

    >>> duration(8), duration(93)
    ('8 s', '1 min 33 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def memory(megabytes: float) -> str:
    """Say mebibytes in words: "840 MB", "1.2 GB"."""
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def save_run(source: Path, executed: NotebookNode, run: Run) -> None:
    """Write an error-free run back into the lesson: outputs, execution counts, the measured row of its card, and
    closed plot code.

    Of a smoke run only the row is kept: what comes out at toy sizes must not stand in a lesson as its results.

    Raises:
        UserError: the card has no measured row, or the lesson has changed since it ran.
    """
    lesson = nbformat.read(source, as_version=4)
    ran = own_cells(executed)
    if [cell.source for cell in lesson.cells] != [cell.source for cell in ran]:
        raise UserError(f"{source.name} has changed while it ran; save it first, then run it again")
    if run.profile != "smoke":
        _copy_outputs(ran, lesson.cells)
    if not record_run(lesson, run):
        raise UserError(
            f"{source.name} has no row to write its run time to; give its cell tagged header-card "
            "a table row '| Measured run time and peak memory | |'"
        )
    lesson.metadata.pop("widgets", None)
    hide_folded(lesson)
    with atomic_path(source) as temporary:
        nbformat.write(lesson, temporary)


def _copy_outputs(ran: list[NotebookNode], cells: list[NotebookNode]) -> None:
    counts = itertools.count(1)  # papermill's own cell took a number, too
    for cell, result in zip(cells, ran, strict=True):
        if cell.cell_type != "code":
            continue
        cell.execution_count = next(counts) if result.execution_count else None  # a cell that never ran keeps none
        cell.outputs = [output for output in result.outputs if WIDGET not in output.get("data", {})]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def record_run(lesson: NotebookNode, run: Run) -> bool:
    """Note a run in the lesson's metadata and in the measured row of its card. Return whether it has such a row."""
    measured = lesson.metadata.setdefault("mrilab", {}).setdefault("measured", {})
    measured[run.profile] = {name: getattr(run, name) for name in ("seconds", "peak_memory_mb", "device")}
    rows = 0
    for cell in tagged(lesson, "header-card"):
        cell.source, rows = MEASURED.subn(lambda row: f"{row[1]} {measured_text(measured)} |", cell.source, count=1)
    return rows > 0
