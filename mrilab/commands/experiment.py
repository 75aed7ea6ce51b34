"""`mrilab experiment NAME`: run or resume a long experiment."""

import re
from typing import Annotated

import typer

from mrilab.commands import app
from mrilab.commands.names import names_of, print_names


@app.command()
def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; --list names them.")] = None,
    part: Annotated[str, typer.Option(help="K/N: only the K-th of N parts of the cases, to share the work.")] = "1/1",
    list_: Annotated[bool, typer.Option("--list", help="The same as `mrilab list experiments`.")] = False,
) -> None:
    """Measure what results/NAME.csv does not hold yet, one row a case. It can be stopped and run again at will."""
    from mrilab.errors import UserError
    from mrilab.evaluation.experiments import find_experiment, run_experiment
    from mrilab.paths import RESULTS, course_folder

    if list_:
        print_names(names_of("experiments"))
        return
    if name is None:
        raise UserError("say which experiment to run; `mrilab list experiments` names them")
    share = re.fullmatch(r"([0-9]+)/([0-9]+)", part)
    if not share:
        raise UserError(f"--part {part} is not of the form K/N, as in 1/2")
    path = RESULTS / f"{name}.csv"
    course_folder()
    try:
        count = run_experiment(find_experiment(name), path, part=(int(share[1]), int(share[2])))
    except KeyboardInterrupt:
        print(f"\nexperiment {name}: stopped; the finished rows are in {path}, run it again to go on")
        raise typer.Exit(130) from None
    print(f"experiment {name}: {count} new rows in {path}")
