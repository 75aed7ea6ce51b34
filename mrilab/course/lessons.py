"""Find lessons by their names."""

from collections.abc import Sequence
from pathlib import Path

from mrilab.errors import UserError
from mrilab.paths import NOTEBOOKS


def find_lessons(names: Sequence[str] = (), folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks of these names in the course's order, or all of them without names.

    A name is a path, a file name, or the beginning of one ("01").

    Raises:
        UserError: a name fits no lesson, or there are none.
    """
    lessons = sorted(folder.glob("*.ipynb"))
    if not lessons:
        raise UserError(f"there are no notebooks in {folder}; run this in a clone of the course")
    chosen: set[Path] = set()
    for name in names:
        fits = [path for path in lessons if Path(name).resolve() == path or path.name.startswith(name)]
        if not fits:
            raise UserError(f"no lesson is called {name!r}; choose from {', '.join(p.stem for p in lessons)}")
        chosen.update(fits)
    return [path for path in lessons if path in chosen or not names]
