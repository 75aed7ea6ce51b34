"""The command line: `mrilab COMMAND`, the same as `python -m mrilab COMMAND`.

Every module of `mrilab.commands` adds one command (or one group) with its function `register(app)`.
"""

import importlib
import pkgutil
import sys

import typer

from mrilab import commands
from mrilab.errors import UserError

# What an option takes, by pydantic's name of the error.
TAKES = {"int_parsing": "a whole number", "float_parsing": "a number"}

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
    """Run the command line; a wish that cannot be granted is one sentence on stderr and exit code 2."""
    try:
        sys.exit(app(prog_name="mrilab", standalone_mode=False))
    except UserError as error:
        print(f"mrilab: {error}", file=sys.stderr)
    except typer.TyperException as error:
        print(sentence(error), file=sys.stderr)
    sys.exit(2)


def sentence(error: typer.TyperException) -> str:
    """Return what typer could not read and where to look it up; the help itself for a group without a command."""
    text = error.format_message().rstrip(".")
    if text.startswith("Usage:"):
        return text
    if hasattr(error.__cause__, "errors"):  # pydantic's, of a value that has not the type of its option
        detail, option = error.__cause__.errors()[0], error.param.opts[0]
        kind, reason = TAKES.get(detail["type"]), detail["msg"].removeprefix("Value error, ").rstrip(".")
        text = f"{option} takes {kind}, not {detail['input']!r}" if kind else f"{option}: {reason}"
    elif getattr(error, "possibilities", None):
        text = f"{error.message} (did you mean {error.possibilities[0]}?)"
    context = getattr(error, "ctx", None)
    return f"mrilab: {text[0].lower()}{text[1:]}" + (f"; see `{context.command_path} --help`" if context else "")


if __name__ == "__main__":
    main()
