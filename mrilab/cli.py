"""The command line: `mrilab COMMAND`, the same as `python -m mrilab COMMAND`."""

import importlib
import io
import pkgutil
import sys
from typing import Any

import typer

from mrilab import commands
from mrilab.commands import app
from mrilab.errors import UserError
from mrilab.faults import lacking

# What an option takes, by pydantic's name of the error.
TAKES = {"int_parsing": "a whole number", "float_parsing": "a number"}

for _module in pkgutil.iter_modules(commands.__path__):
    importlib.import_module(f"{commands.__name__}.{_module.name}")  # which adds its commands to the app


def main() -> None:
    """Run the command line; a wish that cannot be granted is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may have letters that the terminal has not
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(prog_name="mrilab", standalone_mode=False))
    except UserError as error:
        print(f"mrilab: {error}", file=sys.stderr)
    except typer.TyperException as error:
        print(sentence(error), file=sys.stderr)
    except Exception as error:
        fault = lacking(error)
        if fault is None:
            raise
        print(f"mrilab: {fault}", file=sys.stderr)
    sys.exit(2)


def sentence(error: typer.TyperException) -> str:
    """Return what typer could not read and where to look it up; the help itself for a group without a command."""
    text = error.format_message().rstrip(".")
    if text.startswith("Usage:"):
        return text
    cause: Any = error.__cause__  # pydantic's, of a value that has not the type of its option
    if isinstance(error, typer.BadParameter) and error.param and hasattr(cause, "errors"):
        detail, option = cause.errors()[0], error.param.opts[0]
        kind, reason = TAKES.get(detail["type"]), detail["msg"].removeprefix("Value error, ").rstrip(".")
        text = f"{option} takes {kind}, not {detail['input']!r}" if kind else f"{option}: {reason}"
    elif close := getattr(error, "possibilities", None):
        text = f"{error.message} (did you mean {close[0]}?)"
    context = getattr(error, "ctx", None)
    return f"mrilab: {text[0].lower()}{text[1:]}" + (f"; see `{context.command_path} --help`" if context else "")
