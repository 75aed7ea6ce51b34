"""Header cards: what a lesson says about itself, and the measured row that the runner writes.

The header card is the markdown cell tagged `header-card`: a heading, a table of facts with two columns, one of
whose rows is called "Measured run time and peak memory", and the goals as a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mrilab.course.execute import PROFILES, Run, last_run, own_cells
from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError

WIDGET = "application/vnd.jupyter.widget-view+json"
ROW = re.compile(r"^\|(?P<key>[^|\n]*)\|(?P<value>.*)\|[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Card:
    """A lesson's title, its goals, and its facts by their lower-case names ("reading", "device", ...)."""

    title: str
    goals: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def fact(self, name: str) -> str:
        """One fact of the table, e.g. "Reading"; "" if the card does not give it."""
        return self.facts.get(name.lower(), "")


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """The cells with this tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def read_card(notebook: NotebookNode, name: str) -> Card:
    """The header card, or a card with only a title where a notebook has none."""
    cells = tagged(notebook, "header-card")
    text = cells[0].source if cells else ""
    everything = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    heading = next(filter(None, (re.search(r"^#\s+(.+)$", part, re.MULTILINE) for part in (text, everything))), None)
    facts = {row["key"].strip(" *").lower(): row["value"].strip() for row in ROW.finditer(text)}
    facts = {key: value for key, value in facts.items() if key.strip("-: ")}
    return Card(
        title=heading[1].strip() if heading else name,
        goals=[match[1].strip() for match in re.finditer(r"^\s*[-*]\s+(.+)$", text, re.MULTILINE)],
        facts=facts,
    )


def measured_text(measured: dict[str, dict]) -> str:
    """{"teach": {"seconds": 93, "peak_memory_mb": 1200, "device": ...}} in words, one part a profile."""
    parts = []
    for profile in PROFILES:
        if profile in measured:
            row = measured[profile]
            parts.append(f"{profile}: {duration(row['seconds'])}, {memory(row['peak_memory_mb'])} on {row['device']}")
        else:
            parts.append(f"{profile}: not measured yet")
    return "; ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words: "8 s", "1 min 33 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def memory(megabytes: float) -> str:
    """Mebibytes in words: "840 MB", "1.2 GB"."""
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def save_run(source: Path, executed: NotebookNode) -> None:
    """Write an error-free run back into the lesson: outputs, execution counts, the measured row of its card.

    Of a smoke run only the row is kept: what comes out at toy sizes must not stand in a lesson as its results.

    Raises:
        UserError: the card has no measured row, or the lesson has changed since it ran.
    """
    run: Run = last_run(executed)
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
    with atomic_path(source) as temporary:
        nbformat.write(lesson, temporary)


def _copy_outputs(ran: list[NotebookNode], cells: list[NotebookNode]) -> None:
    count = 0
    for cell, result in zip(cells, ran, strict=True):
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in result.outputs if WIDGET not in output.get("data", {})]
        # papermill's own cell took a number, too; a cell that never ran keeps none
        count += result.execution_count is not None
        cell.execution_count = count if result.execution_count is not None else None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def record_run(lesson: NotebookNode, run: Run) -> bool:
    """Note a run in the lesson's metadata and in the measured row of its card; False without such a row."""
    measured = lesson.metadata.setdefault("mrilab", {}).setdefault("measured", {})
    measured[run.profile] = {
        "seconds": run.seconds,
        "peak_memory_mb": run.peak_memory_mb,
        "device": run.device,
    }
    for cell in tagged(lesson, "header-card"):
        for row in ROW.finditer(cell.source):
            if "measured" in row["key"].lower():
                start, end = row.span("value")
                cell.source = f"{cell.source[:start]} {measured_text(measured)} {cell.source[end:]}"
                return True
    return False
