"""Run the lessons and write the course page. A lesson that fails does not stop the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from mrilab.course.cards import record_run, save_run
from mrilab.course.execute import Run, execute
from mrilab.course.pages import write_index, write_lesson


@dataclass(frozen=True)
class Outcome:
    """What `run_course` did: its runs in order, the index page, and whether somebody stopped it."""

    runs: list[Run]
    index: Path
    interrupted: bool = False

    @property
    def failed(self) -> list[Run]:
        return [run for run in self.runs if not run.ok]


def run_course(
    lessons: Sequence[Path], out: Path, profile: str = "teach", save: bool = False, progress: bool = True
) -> Outcome:
    """Run `lessons` and write their pages and index.html to `out`.

    The index also shows every notebook that lies beside them, with its last run if it has one. With `save`, runs
    without error are written back into the lessons. An interrupt ends the current lesson. The pages of the finished
    ones are written all the same.
    """
    runs: list[Run] = []
    interrupted = False
    with tqdm(lessons, desc="course", unit="lesson", disable=not progress) as bar:
        try:
            for source in bar:
                bar.set_postfix_str(source.stem)
                cells = {"desc": source.stem, "leave": False, "position": 1, "disable": not progress}
                run = execute(source, out / source.name, profile, progress=cells)
                runs.append(run)
                executed = nbformat.read(out / source.name, as_version=4)
                if save and run.ok:
                    save_run(source, executed, run)
                record_run(executed, run)
                write_lesson(executed, source, out)
        except KeyboardInterrupt:
            interrupted = True
    everything = sorted({path for source in lessons for path in source.parent.glob("*.ipynb")})
    return Outcome(runs, write_index(everything, out), interrupted)
