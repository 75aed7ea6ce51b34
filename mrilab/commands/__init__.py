"""The command line. Each module adds its commands with `@app.command()` and is found by `mrilab.cli`."""

from typing import Annotated

import typer

import mrilab

app = typer.Typer(
    name="mrilab",
    help="A course on accelerated MRI reconstruction that you can run, and the toolbox behind it.",
    epilog="Examples: mrilab course, mrilab recon SCAN.h5 --acceleration 4, mrilab list methods",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: errors that read as sentences, also where they are piped or logged
)


def print_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        print(f"mrilab {mrilab.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
