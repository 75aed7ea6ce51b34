"""Run the lessons and write the course page; one failing lesson does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from mrilab.course.cards import read_card, record_run, save_run
from mrilab.course.execute import RUN_KEY, Run, execute, last_run
from mrilab.course.pages import Lesson, claims_of, find_figure, write_index, write_lesson
from mrilab.errors import UserError
from mrilab.paths import NOTEBOOKS


@dataclass(frozen=True)
class Outcome:
    """What `run_course` did: its runs in order, the index page, and whether somebody stopped it."""

    runs: list[Run]
    index: Path
    interrupted: bool = False

    @property
    def failed(self) -> list[Run]:
        return [run for run in self.runs if not run.ok]


def find_lessons(names: Sequence[str] = (), folder: Path = NOTEBOOKS) -> list[Path]:
    """The notebooks of these names, in the course's order; all without names.

    A name is a path, a file name, or the beginning of one ("01").

    Raises:
        UserError: a name fits no lesson, or there are none.
    """
    lessons = sorted(folder.glob("*.ipynb"))
    if not lessons:
        raise UserError(f"there are no notebooks in {folder}; run this in a clone of the course")
    chosen = set()
    for name in names:
        fits = [path for path in lessons if Path(name).resolve() == path or path.name.startswith(name)]
        if not fits:
            raise UserError(f"no lesson is called {name!r}; choose from {', '.join(p.stem for p in lessons)}")
        chosen.update(fits)
    return [path for path in lessons if path in chosen or not names]


def run_course(
    lessons: Sequence[Path],
    out: Path,
    profile: str = "teach",
    save: bool = False,
    progress: bool = True,
) -> Outcome:
    """Run `lessons` and write their pages and index.html to `out`.

    The index shows every notebook that lies beside them, too, with its last run if it has one. With `save`, runs
    without error are written back into the lessons. An interrupt ends the run in hand; the pages of the finished
    ones are written all the same.
    """
    runs: list[Run] = []
    interrupted = False
    bar = tqdm(lessons, desc="course", unit="lesson", disable=not progress)
    try:
        for source in bar:
            bar.set_postfix_str(source.stem)
            cells = {"desc": source.stem, "leave": False, "position": 1, "disable": not progress}
            target = out / f"{source.stem}.ipynb"
            runs.append(execute(source, target, profile, progress=cells))
            executed = nbformat.read(target, as_version=4)
            if save and runs[-1].ok:
                save_run(source, executed)
            record_run(executed, runs[-1])
            write_lesson(executed, source, out)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()
    folders = sorted({source.parent for source in lessons})
    everything = [path for folder in folders for path in sorted(folder.glob("*.ipynb"))]
    index = write_index([_for_index(source, out) for source in everything], out)
    return Outcome(runs, index, interrupted)


def _for_index(source: Path, out: Path) -> Lesson:
    """A lesson with its last run, whenever that was."""
    executed = out / f"{source.stem}.ipynb"
    lesson = Lesson(source.stem, read_card(_title_page(source), source.stem))
    if executed.is_file():
        notebook = nbformat.read(executed, as_version=4)
        if RUN_KEY in notebook.metadata:  # an interrupted run leaves a notebook without one
            figure = find_figure(notebook)
            lesson.run, lesson.claims = last_run(notebook), claims_of(notebook)
            lesson.thumbnail = (f"{source.stem}.png", figure[1]) if figure else None
    return lesson


def _title_page(source: Path) -> nbformat.NotebookNode:
    """The notebook to take the card from; a file that is none has failed already and lends its name only."""
    try:
        return nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError):
        return nbformat.v4.new_notebook()
