"""Where a clone of the course keeps its things.

The package is installed in place (`pip install -e .`), so the folder above it is the clone. Installed from a
wheel there are no lessons, and `course_folder` says so.
"""

from pathlib import Path

from mrilab.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
CHECKPOINTS = ROOT / "data" / "checkpoints"
BUILD = ROOT / "build"
WORK = ROOT / "work"  # the learner's copies of the lessons
STUDENT = Path(".mrilab") / "student"  # in a folder of copies: they are without solutions


def course_folder() -> Path:
    """Return the clone's root.

    Raises:
        UserError: this is an installation without the lessons.
    """
    if not NOTEBOOKS.is_dir():
        raise UserError("the lessons are not installed here; clone the repository and run it there")
    return ROOT
