"""`mrilab data`: build the embedded scans, list them, look at them."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mrilab.commands import app
from mrilab.commands.names import names_of, print_names

EXAMPLES = "Examples: mrilab data list, mrilab data build heads-t2-test, mrilab data sheet --folder SHEETS"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, by names of data sets.")]
Names = Annotated[list[str] | None, typer.Argument(help="Data sets; all if none is named.")]
group = typer.Typer(help="The scans that the course brings along.", epilog=EXAMPLES, no_args_is_help=True)
app.add_typer(group, name="data")


@group.command()
def build(
    names: Names = None,
    folder: Annotated[Path | None, typer.Option(help="Where to; data/embedded by default.")] = None,
    json_: Json = False,
) -> None:
    """Simulate the fixed validation and test scans that are missing or out of date."""
    from mrilab.data.embedded import build as build_data

    try:
        built = build_data(folder, names or None)
    except KeyboardInterrupt:
        print("\ndata: stopped; the finished data sets stay, run it again to go on", file=sys.stderr)
        raise typer.Exit(130) from None
    if json_:
        print(json.dumps({name: [str(path) for path in files] for name, files in built.items()}))
        return
    for name, files in built.items():
        print(f"{name:24} {len(files):3d} scans in {files[0].parent}")


@group.command("list")
def list_(json_: Json = False) -> None:
    """Name the data sets and what is in them, as `mrilab list data` does."""
    print_names(names_of("data"), json_)


@group.command()
def sheet(
    names: Names = None,
    folder: Annotated[Path, typer.Option(help="Where to.")] = Path("data/contact_sheets"),
    json_: Json = False,
) -> None:
    """Draw a contact sheet (PNG) of each data set."""
    from mrilab.data.recipes import RECIPES
    from mrilab.data.sheets import dataset_sheet

    paths = {name: folder / f"{name}.png" for name in names or RECIPES}
    for name, path in paths.items():
        dataset_sheet(path, name)
        if not json_:
            print(path)
    if json_:
        print(json.dumps({name: str(path) for name, path in paths.items()}))
