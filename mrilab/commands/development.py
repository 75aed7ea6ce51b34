"""`mrilab test`, `test-gpu` and `bench`: what the Makefile calls, for machines without make."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated

import typer

from mrilab.commands import app
from mrilab.errors import UserError
from mrilab.processes import Stopped, run_module

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}


@contextmanager
def ending_with(name: str) -> Iterator[None]:
    """Say that the command was stopped, and leave with the signal's exit code, if the block was."""
    try:
        yield
    except Stopped as stop:
        print(f"{name}: stopped, and what it had started has ended", file=sys.stderr)
        raise typer.Exit(stop.code) from None


def needed(*tools: str) -> None:
    """Raise `UserError` if a development tool is not installed, which is an import name."""
    if missing := [tool for tool in tools if find_spec(tool) is None]:
        raise UserError(f"{', '.join(missing)} not installed; run `pip install -r requirements-dev.lock`, or use make")


@app.command(context_settings=EXTRA)
def test(context: typer.Context) -> None:
    """Lint, type check, unit tests and every notebook in the smoke profile; further arguments go to pytest."""
    needed("ruff", "mypy", "pytest", "xdist", "nbval", "hypothesis", "sigpy")

    from mrilab.data.embedded import build

    start = time.monotonic()
    gates = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
    with ending_with("test"):
        code = next((code for gate in gates if (code := run_module(*gate))), 0)
        if not code:
            build()  # before several processes need it at once
            code = run_module("pytest", "-n", "logical", "--dist", "worksteal", *context.args)
    print(f"test: {'FAILED, see above' if code else 'all passed'} ({time.monotonic() - start:.0f} s)")
    raise typer.Exit(code)


@app.command(context_settings=EXTRA)
def test_gpu(
    context: typer.Context,
    device: Annotated[str, typer.Option(help="cuda; cpu runs the same where there is no GPU.")] = "cuda",
) -> None:
    """Compare a GPU with the CPU, run the lessons on it, measure its speed; further arguments go to pytest."""
    import torch

    from mrilab.data.embedded import build

    if device == "cuda" and not torch.cuda.is_available():
        print("test-gpu: torch finds no GPU here, so nothing was tested")
        return
    start = time.monotonic()
    build()  # before several processes need it at once
    workers = ["-n", "4", "--dist", "worksteal"] if find_spec("xdist") else []
    shown = ("-W", "default")  # other versions of torch warn of other things
    with ending_with("test-gpu"):
        code = run_module("pytest", "tests/gpu", "--device", device, *shown, *workers, *context.args)
        code = run_module("benchmarks", "--device", device) or code
    print(f"test-gpu: {'FAILED, see above' if code else 'all passed'} ({time.monotonic() - start:.0f} s)")
    raise typer.Exit(code)


@app.command(context_settings=EXTRA)
def bench(context: typer.Context) -> None:
    """Measure speed against peers; further arguments go to `python -m benchmarks`."""
    if "--device" not in context.args:  # a device alone has no peers
        needed("sigpy")
    with ending_with("bench"):
        code = run_module("benchmarks", *context.args)
    print(f"bench: {'stopped early, see above' if code else 'done'}")
    raise typer.Exit(code)
