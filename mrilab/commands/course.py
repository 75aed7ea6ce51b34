"""`mrilab course`: run the lessons and write the course page."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

Profile = StrEnum("Profile", ["smoke", "teach", "full"])


def register(app: typer.Typer) -> None:
    app.command()(course)


def course(
    lessons: Annotated[list[str] | None, typer.Argument(help="Some lessons, e.g. 01; all without.")] = None,
    profile: Annotated[
        Profile, typer.Option(help="smoke: does all run? teach: what the text discusses. full: from scratch.")
    ] = Profile.teach,
    save: Annotated[
        bool, typer.Option("--save", help="For maintainers: write outputs and run times into notebooks/.")
    ] = False,
) -> None:
    """Run the lessons and write build/course/index.html."""
    from mrilab.course.run import find_lessons, run_course
    from mrilab.data.embedded import build
    from mrilab.paths import BUILD

    paths = find_lessons(lessons or [])
    try:
        build()
    except KeyboardInterrupt:
        print("\ncourse: stopped while the data were being built; run it again to resume")
        raise typer.Exit(130) from None
    outcome = run_course(paths, BUILD / "course", profile, save)
    for run in outcome.failed:
        where = f", cell {run.failed_cell}" if run.failed_cell else ""
        print(f"course: {run.name}{where} failed: {run.error}", file=sys.stderr)
    done = f"{len(outcome.runs) - len(outcome.failed)} of {len(paths)} lessons ran"
    print(f"course: {'stopped; ' if outcome.interrupted else ''}{done}; open {outcome.index}")
    if outcome.interrupted:
        raise typer.Exit(130)
    raise typer.Exit(1 if outcome.failed else 0)
