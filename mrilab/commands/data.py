"""`mrilab data`: build the embedded scans, list them, look at them."""

from pathlib import Path
from typing import Annotated

import typer

from mrilab.commands import app

Names = Annotated[list[str] | None, typer.Argument(help="Data sets; all if none is named.")]
group = typer.Typer(help="The scans that the course brings along.", no_args_is_help=True)
app.add_typer(group, name="data")


@group.command()
def build(
    names: Names = None,
    folder: Annotated[Path | None, typer.Option(help="Where to; data/embedded by default.")] = None,
) -> None:
    """Simulate the fixed validation and test scans that are missing or out of date."""
    from mrilab.data.embedded import build as build_data

    try:
        built = build_data(folder, names or None)
    except KeyboardInterrupt:
        print("\ndata: stopped; the finished data sets stay, run it again to go on")
        raise typer.Exit(130) from None
    for name, files in built.items():
        print(f"{name:24} {len(files):3d} scans in {files[0].parent}")


@group.command("list")
def list_() -> None:
    """Name the data sets and what is in them."""
    from mrilab.data.recipes import RECIPES

    for name, recipe in RECIPES.items():
        unseen = f", {recipe.unseen} of them in the unseen slab" if recipe.unseen else ""
        slices = f"{recipe.slices} slices of " if recipe.slices > 1 else ""
        print(f"{name:24} {recipe.count:3d} scans of {slices}{recipe.shape[0]} x {recipe.shape[1]}{unseen}")


@group.command()
def sheet(
    names: Names = None,
    folder: Annotated[Path, typer.Option(help="Where to.")] = Path("data/contact_sheets"),
) -> None:
    """Draw a contact sheet (PNG) of each data set."""
    from mrilab.data.recipes import RECIPES
    from mrilab.data.sheets import dataset_sheet

    for name in names or RECIPES:
        path = folder / f"{name}.png"
        dataset_sheet(path, name)
        print(path)
