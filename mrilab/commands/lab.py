"""`mrilab lab`, `update` and `reset`: a learner's copies of the lessons, and JupyterLab on them."""

import sys
from typing import Annotated

import typer

from mrilab.commands import app


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Examples: mrilab lab, mrilab lab --student, mrilab lab --no-browser --port 8899",
)
def lab(
    context: typer.Context,
    student: Annotated[
        bool, typer.Option("--student", help="Make copies without outputs and answers; the folder stays so.")
    ] = False,
) -> None:
    """Open copies of the lessons in JupyterLab; further arguments go to it.

    They lie in work/, which git ignores, and are made where they are missing.
    """
    from mrilab import paths
    from mrilab.course.copies import is_student, make_copies, outdated
    from mrilab.course.lessons import find_lessons
    from mrilab.processes import Stopped, run_module

    originals = find_lessons(folder=paths.NOTEBOOKS)
    made = make_copies(originals, paths.WORK, student)
    without = ", without solutions" if is_student(paths.WORK) else ""
    if made:
        print(f"lab: copied {', '.join(made)} to {paths.WORK}{without}")
    if changed := outdated(originals, paths.WORK):
        print(f"lab: there are new versions of {', '.join(changed)}; `mrilab update` brings them in")
    sys.stdout.flush()
    first = str(paths.WORK / originals[0].name)
    try:
        code = run_module("jupyterlab", *context.args, first, answers_interrupts=True)
    except Stopped as stop:
        code = stop.code
    raise typer.Exit(code)


@app.command(epilog="Example: mrilab update")
def update(
    lessons: Annotated[list[str] | None, typer.Argument(help="Some lessons, e.g. 01; all without.")] = None,
) -> None:
    """Bring new versions of the lessons into work/, and keep what you have written there.

    Your own cells and those that you have changed stay. Where the lesson has changed such a cell, too, its new version
    is shown below yours.
    """
    from mrilab import paths
    from mrilab.course.copies import make_copies, update_copy
    from mrilab.course.lessons import find_lessons
    from mrilab.errors import UserError

    originals = find_lessons(lessons or [], paths.NOTEBOOKS)
    made, failed = make_copies(originals, paths.WORK), False
    for original in originals:
        if original.stem in made:
            print(f"{original.stem}: copied")
            continue
        try:
            print(f"{original.stem}: {_told(update_copy(original, paths.WORK))}")
        except UserError as error:
            print(f"mrilab: {error}", file=sys.stderr)
            failed = True
    print("update: reload lessons that are open in JupyterLab (File, Reload Notebook from Disk)")
    raise typer.Exit(2 if failed else 0)


def _told(fates: dict[str, int]) -> str:
    """Say what became of a lesson's cells in one line."""
    words = {
        "new": "{} taken from the new version",
        "removed": "{} removed",
        "kept": "{} kept as you changed them",
        "beside": "{} of these with the new version below yours",
        "own": "{} of your own",
    }
    counted = {fate: "1 cell" if count == 1 else f"{count} cells" for fate, count in fates.items() if count}
    return ", ".join(text.format(counted[fate]) for fate, text in words.items() if fate in counted) or "up to date"


@app.command(epilog="Example: mrilab reset 01")
def reset(
    lesson: Annotated[str, typer.Argument(help="The beginning of its name, e.g. 01.")],
) -> None:
    """Make your copy of a lesson afresh. The old one is kept beside it under a numbered name."""
    from mrilab import paths
    from mrilab.course.copies import reset_copy
    from mrilab.course.lessons import find_lessons
    from mrilab.errors import UserError

    found = find_lessons([lesson], paths.NOTEBOOKS)
    if len(found) > 1:
        raise UserError(f"{lesson!r} fits {', '.join(each.stem for each in found)}; give more of the name")
    aside = reset_copy(found[0], paths.WORK)
    print(
        f"reset: {paths.WORK / found[0].name} is as the lesson is now"
        + (f"; yours is kept as {aside}" if aside else "")
    )
