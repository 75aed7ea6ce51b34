"""`mrilab check` and `mrilab course`: is this machine ready for the lessons, and run them."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from mrilab.commands import app

Profile = StrEnum("Profile", ["smoke", "teach"])


@app.command()
def check(
    json_: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: all findings, and whether all is well.")
    ] = False,
) -> None:
    """Say OK, or what is missing and how to mend it; exit code 1 if something is."""
    from mrilab.course.check import check_all
    from mrilab.paths import course_folder

    problems, findings = 0, []
    for finding in check_all(course_folder()):
        findings.append({"ok": finding.ok, **asdict(finding)})
        problems += not finding.ok
        if not json_:
            print(finding, flush=True)
    if json_:
        print(json.dumps({"ok": not problems, "findings": findings}))
        raise typer.Exit(min(problems, 1))
    print(f"check: {problems} to mend, see the arrows above" if problems else "check: OK")
    raise typer.Exit(min(problems, 1))


@app.command(epilog="Examples: mrilab course, mrilab course --profile smoke 01 02")
def course(
    lessons: Annotated[list[str] | None, typer.Argument(help="Some lessons, e.g. 01; all without.")] = None,
    profile: Annotated[
        Profile, typer.Option(help="smoke: does all run? teach: what the text discusses.")
    ] = Profile.teach,
    save: Annotated[
        bool, typer.Option("--save", help="For maintainers: write outputs and run times into notebooks/.")
    ] = False,
) -> None:
    """Run the lessons and write build/course/index.html."""
    from mrilab.course.kernel import same_package
    from mrilab.course.lessons import find_lessons
    from mrilab.course.run import run_course
    from mrilab.data.embedded import build
    from mrilab.paths import BUILD

    paths = find_lessons(lessons or [])
    same_package(paths[0].parent)
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
    raise typer.Exit(130 if outcome.interrupted else min(len(outcome.failed), 1))
