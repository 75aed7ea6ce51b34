"""`mrilab check`: is this machine ready for the course?"""

import typer


def register(app: typer.Typer) -> None:
    app.command()(check)


def check() -> None:
    """Say OK, or what is missing and how to mend it; exit code 1 if something is."""
    from mrilab.course.check import check_all
    from mrilab.paths import course_folder

    problems = 0
    for finding in check_all(course_folder()):
        print(finding, flush=True)
        problems += not finding.ok
    print("check: OK" if not problems else f"check: {problems} to mend, see the arrows above")
    raise typer.Exit(1 if problems else 0)
