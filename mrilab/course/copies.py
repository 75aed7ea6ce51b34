"""A learner's copies of the lessons, in the folder `work/`, which git ignores.

`work/.mrilab/NAME.json` holds the fingerprints of the cells from which the copy of a lesson was made. The file
`work/.mrilab/student` marks a folder whose copies are without solutions. What else lies beside the lessons, such as
claims and pictures, is copied as well. These copies follow the originals.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mrilab.course.merge import fingerprints, merge
from mrilab.data.atomic import atomic_path, write_atomic
from mrilab.errors import UserError
from mrilab.paths import STUDENT

ANSWER = re.compile(r"<details\b.*?</details>", re.DOTALL)
WITHHELD = "*(The lesson has an answer here. This copy is without it.)*"


def is_student(folder: Path) -> bool:
    """Return whether the copies in this folder are without solutions."""
    return (folder / STUDENT).exists()


def make_copies(originals: Sequence[Path], folder: Path, student: bool = False) -> list[str]:
    """Copy the lessons that `folder` lacks into it, and return their names. A copy that is there is never touched.

    student: mark the folder, so that this and later copies are without solutions.

    Raises:
        UserError: the folder has copies with solutions already, or cannot be written.
    """
    if student and not is_student(folder):
        if any((folder / original.name).exists() for original in originals):
            raise UserError(f"{folder} has copies with solutions; rename that folder, then ask for --student again")
        with atomic_path(folder / STUDENT) as temporary:
            temporary.write_text("The copies in this folder are without solutions.\n", encoding="utf-8")
    missing = [original for original in originals if not (folder / original.name).exists()]
    for original in missing:
        _copy(original, folder)
    _follow(originals, folder)
    return [original.stem for original in missing]


def reset_copy(original: Path, folder: Path) -> Path | None:
    """Make the copy of a lesson afresh. Return where the old one lies now, or None if there was none.

    Raises:
        UserError: the folder cannot be written.
    """
    path, aside = folder / original.name, None
    if path.exists():
        numbered = (folder / f"{original.stem}.{number}.ipynb" for number in range(1, 10_000))
        aside = next(name for name in numbered if not name.exists())
        path.rename(aside)
    _copy(original, folder)
    return aside


def outdated(originals: Sequence[Path], folder: Path) -> list[str]:
    """Return the names of the copies whose lessons have changed since."""
    changed = []
    for original in originals:
        record = _record(folder, original)
        if record is not None and record != fingerprints(_prepared(original, folder)):
            changed.append(original.stem)
    return changed


def update_copy(original: Path, folder: Path) -> Counter[str]:
    """Bring the new version of a lesson into its copy, and return how many cells had which fate (see `merge`).

    Raises:
        UserError: the copy cannot be read, has cells without ids, or nobody noted what it was made from.
    """
    path, record = folder / original.name, _record(folder, original)
    mend = f"`mrilab reset {original.stem}` makes a new copy and keeps this one aside"
    if record is None:
        raise UserError(f"nobody noted from which version {path} was copied; {mend}")
    try:
        mine = nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, nbformat.ValidationError) as error:  # AttributeError: JSON, but no object
        raise UserError(f"{path} cannot be read as a notebook; {mend}") from error
    if any("id" not in cell for cell in mine.cells):
        raise UserError(f"{path} has cells without ids, so they cannot be compared; {mend}")
    theirs = _prepared(original, folder)
    merged, fates = merge(record, mine, theirs)
    if nbformat.writes(merged) != nbformat.writes(mine):
        _write(merged, path)
    _note(theirs, original, folder)  # last: what was stopped before is found again, and merged once more
    return fates


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Take outputs and closed answers out of a notebook.

    Outputs go, because a figure tells the answer of a question that asks to predict it. An answer is a `<details>`
    element in Markdown. The package, which checks the exercises, holds their solutions all the same.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        elif cell.cell_type == "markdown":
            cell.source = ANSWER.sub(WITHHELD, cell.source)
    return notebook


def _follow(originals: Sequence[Path], folder: Path) -> None:
    """Copy what else lies beside the lessons, where it is missing or differs, so that what they link to is there."""
    for beside in {original.parent for original in originals}:
        for file in beside.rglob("*"):
            name = file.relative_to(beside)
            if file.is_dir() or file.suffix == ".ipynb" or any(part.startswith((".", "__")) for part in name.parts):
                continue
            content, target = file.read_bytes(), folder / name
            if not (target.is_file() and target.read_bytes() == content):
                write_atomic(target, content)


def _prepared(original: Path, folder: Path) -> NotebookNode:
    notebook = nbformat.read(original, as_version=4)
    return without_solutions(notebook) if is_student(folder) else notebook


def _copy(original: Path, folder: Path) -> None:
    notebook = _prepared(original, folder)
    _note(notebook, original, folder)  # first: a copy without a note could never be updated
    _write(notebook, folder / original.name)


def _write(notebook: NotebookNode, path: Path) -> None:
    with atomic_path(path) as temporary:
        nbformat.write(notebook, temporary)


def _record_path(folder: Path, original: Path) -> Path:
    return folder / STUDENT.parent / f"{original.stem}.json"


def _record(folder: Path, original: Path) -> dict[str, str] | None:
    path = _record_path(folder, original)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _note(notebook: NotebookNode, original: Path, folder: Path) -> None:
    with atomic_path(_record_path(folder, original)) as temporary:
        temporary.write_text(json.dumps(fingerprints(notebook), indent=1), encoding="utf-8")
