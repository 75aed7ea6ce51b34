"""The command line: `mrilab COMMAND`, the same as `python -m mrilab COMMAND`.

Every module of `mrilab.commands` adds one command (or one group) with its function `register(app)`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer

from mrilab import commands
from mrilab.errors import UserError

app = typer.Typer(
    name="mrilab",
    help="A course on accelerated MRI reconstruction that you can run, and the toolbox behind it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: errors that read as sentences, also where they are piped or logged
    add_completion=False,
)

for _module in pkgutil.iter_modules(commands.__path__):
    importlib.import_module(f"{commands.__name__}.{_module.name}").register(app)


def main() -> None:
    """Run the command line; a `UserError` is one sentence on stderr and exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"mrilab: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
