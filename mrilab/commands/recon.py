"""`mrilab recon SCAN.h5 --method NAME`: reconstruct a scan and say how good the image is."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import typer

from mrilab.errors import UserError

# Options that this command does not know belong to the method
EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    app.command(context_settings=EXTRA)(recon)


def recon(
    context: typer.Context,
    scan: Annotated[str, typer.Argument(metavar="SCAN.h5", help="Raw data in the fastMRI HDF5 layout.")] = "",
    method: Annotated[str, typer.Option(help="Name of a method; `help` lists them.")] = "help",
    acceleration: Annotated[float | None, typer.Option(help="Undersample by this factor.")] = None,
    mask: Annotated[str, typer.Option(help="equispaced, equispaced-all, random or poisson.")] = "equispaced",
    direction: Annotated[str, typer.Option(help="vertical: columns; horizontal: rows.")] = "vertical",
    seed: Annotated[int, typer.Option(help="Of the mask and of methods that draw samples.")] = 0,
    use_mask: Annotated[bool, typer.Option("--use-mask", help="Take the scan's own mask.")] = False,
    slice_: Annotated[int | None, typer.Option("--slice", help="Only this slice, from 0.")] = None,
    maps_from: Annotated[str, typer.Option(help="acs: sampled lines; prescan: full centre.")] = "acs",
    prescan: Annotated[str | None, typer.Option(help="Fully sampled scan for the coil maps.")] = None,
    oversampling: Annotated[
        float | None, typer.Option(help="Readout oversampling to remove, if the header is wrong.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    out: Annotated[str | None, typer.Option(help="Result; default SCAN-METHOD.h5 here.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Reconstruct a scan: undersample it first (--acceleration), or take it as it is (--use-mask).

    Writes OUT.h5 and a picture, OUT.png. Further options go to the method: `--method help` lists them.
    """
    from mrilab.evaluation.panel import write_panel
    from mrilab.evaluation.reconstruct import reconstruct

    if method == "help":
        print(describe_methods())
        return
    scan, options = split_arguments(method, scan, context.args, command_flags(context))
    out_h5, out_png = output_paths(out, scan, method, prescan)
    with terminated_cleanly(), notes_on_stderr():
        result = reconstruct(
            scan,
            method,
            acceleration=acceleration,
            mask=mask,
            direction=direction,
            seed=seed,
            use_mask=use_mask,
            slice=slice_,
            maps_from=maps_from,
            prescan=prescan,
            device=device,
            oversampling=oversampling,
            progress=True,
            **options,
        )
        result.write(out_h5)
        write_panel(out_png, result)
    summary = {**result.summary(), "output": str(out_h5), "panel": str(out_png)}
    print(json.dumps(_finite(summary), allow_nan=False) if json_ else _table(summary))


def describe_methods() -> str:
    """The methods, one line each, and their options with defaults."""
    from mrilab.methods.registry import available_methods, flag, method_options

    lines = []
    for name, function in available_methods().items():
        lines.append(f"{name:14} {(function.__doc__ or '').strip().splitlines()[0]}")
        for key, option in method_options(name).items():
            kind = (
                " | ".join(get_args(option.annotation))
                if get_origin(option.annotation) is Literal
                else (getattr(option.annotation, "__name__", str(option.annotation)))
            )
            default = "" if option.default is option.empty else f", default {option.default}"
            lines.append(f"{'':14}   {flag(key)} ({kind}{default})")
    return "\n".join(lines)


def split_arguments(method: str, scan: str, rest: list[str], known: list[str]) -> tuple[str, dict[str, str]]:
    """The scan, and the method's options as text, from what the command itself did not understand.

    click hands on unknown options unparsed, and takes the first of them for SCAN if it stands before it.
    """
    from mrilab.methods.registry import method_options, unknown_option

    own = method_options(method)
    tokens = [token for token in (scan, *rest) if token]
    files, options = [], {}
    while tokens:
        token = tokens.pop(0)
        if not token.startswith("-") or token == "-":
            files.append(token)
            continue
        name, equals, value = token.removeprefix("--").partition("=")
        key = name.replace("-", "_")
        off = key.removeprefix("no_")
        if own.get(off) is not None and own[off].annotation is bool and not equals:
            options[off] = "false" if off != key else "true"
        elif key not in own:
            raise UserError(unknown_option(method, name.lstrip("-"), known))
        elif equals or tokens:
            options[key] = value if equals else tokens.pop(0)
        else:
            raise UserError(f"--{name} needs a value")
    if len(files) != 1:
        what = "no scan" if not files else f"{len(files)} scans ({', '.join(files)})"
        raise UserError(f"{what} given; `mrilab recon SCAN.h5 --method {method}` takes one")
    return files[0], options


def command_flags(context: typer.Context) -> tuple[str, ...]:
    """The command's own options, to guess from when one is misspelt."""
    return tuple(flag for parameter in context.command.params for flag in parameter.opts if flag[:2] == "--")


def output_paths(out: str | None, scan: str, method: str, prescan: str | None) -> tuple[Path, Path]:
    """OUT.h5 and OUT.png, refused before the work where they cannot be written or would overwrite an input."""
    h5 = Path(out) if out else Path(f"{Path(scan).stem}-{method}.h5")
    if h5.suffix.lower() not in (".h5", ".hdf5"):
        raise UserError(f"--out {h5} must end in .h5; the picture gets the same name with .png")
    png = h5.with_suffix(".png")
    for path in (h5, png):
        for source in filter(None, (scan, prescan)):
            if path.resolve() == Path(source).resolve():
                raise UserError(f"--out {path} would overwrite an input; choose another name")
        if path.is_dir():
            raise UserError(f"--out {path} is a folder; give the name of a file")
    folder = next(parent for parent in h5.resolve().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"--out {h5} cannot be written, because {folder} is not a writable folder; choose another")
    return h5, png


@contextlib.contextmanager
def terminated_cleanly() -> Iterator[None]:
    """Let SIGTERM unwind the stack like Ctrl-C does, so that temporary files are removed."""

    def stop(number, frame):
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Warnings as sentences on stderr, each once, however many slices raise them."""
    seen = set()

    def show(message, category, filename, lineno, file=None, line=None):
        if str(message) not in seen:
            seen.add(str(message))
            print(f"mrilab: note: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _finite(value):
    """JSON has no infinity: the PSNR of two equal images becomes null."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(summary: dict) -> str:
    nominal = summary["nominal_acceleration"]
    rows = [
        ("method", summary["method"]),
        (
            "scan",
            f"{summary['scan']}, {len(summary['slices'])} slice(s) of {summary['shape'][0]} x {summary['shape'][1]}",
        ),
        ("mask", " ".join(str(summary[key]) for key in ("mask", "direction") if key in summary)),
        (
            "acceleration",
            f"{'-' if nominal is None else format(nominal, 'g')} nominal, "
            f"{summary['effective_acceleration']:.2f} effective",
        ),
        ("coil maps from", summary["maps_from"]),
    ]
    if summary["psnr"] is None:
        rows.append(("quality", "no reference: the scan is undersampled"))
    else:
        for suffix, where in (("", "all pixels"), ("_masked", "object only")):
            rows.append(
                (
                    where,
                    f"PSNR {summary['psnr' + suffix]:.2f} dB   SSIM {summary['ssim' + suffix]:.4f}   "
                    f"NRMSE {summary['nrmse' + suffix]:.4f}",
                )
            )
    rows += [
        ("time", f"{summary['seconds']:.2f} s for the method, {summary['seconds_total']:.2f} s in all"),
        ("device", f"{summary['device']}, peak memory {summary['peak_memory_mb']:.0f} MiB"),
        ("written", f"{summary['output']}, {summary['panel']}"),
    ]
    return "\n".join(f"{name:15} {value}" for name, value in rows)
