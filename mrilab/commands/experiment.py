"""`mrilab experiment NAME`: run or resume a long experiment."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(experiment)


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; --list names them.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the experiments and stop.")] = False,
) -> None:
    """Measure what results/NAME.csv does not hold yet, one row a case; stop it and run it again at will."""
    from mrilab.errors import UserError
    from mrilab.evaluation.experiments import experiment_names, find_experiment, run_experiment
    from mrilab.paths import RESULTS, course_folder

    if list_:
        for each in experiment_names():
            print(f"{each:20} {find_experiment(each).title}")
        return
    if name is None:
        raise UserError("say which experiment to run; `mrilab experiment --list` names them")
    found = find_experiment(name)
    path = RESULTS / f"{name}.csv"
    course_folder()
    try:
        count = run_experiment(found, path)
    except KeyboardInterrupt:
        print(f"\nexperiment {name}: stopped; the finished rows are in {path}, run it again to go on")
        raise typer.Exit(130) from None
    print(f"experiment {name}: {count} new rows in {path}")
