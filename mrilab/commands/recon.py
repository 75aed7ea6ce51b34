"""`mrilab recon METHOD SCAN.h5`: reconstruct a scan, or many, and say how good the images are."""

import contextlib
import functools
import inspect
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mrilab.commands import app
from mrilab.errors import UserError
from mrilab.faults import lacking
from mrilab.names import LONGEST, fitting, readable

# The options of `reconstruct` that every method has, and what the help says about them.
COMMON = {
    "acceleration": "Undersample by this factor.",
    "mask": "A kind that `mrilab mask` knows, a trained pattern (infomri), or a file that `mrilab mask` wrote.",
    "direction": "vertical: columns; horizontal: rows.",
    "seed": "Seed of the mask and of methods that draw samples.",
    "use_mask": "Take the scan's own mask.",
    "slice": "Only this slice, from 0.",
    "maps_from": "acs: sampled lines; prescan: full centre.",
    "prescan": "Fully sampled scan for the coil maps.",
    "maps": "Coil maps of your own: .npy, .h5 (`maps`) or BART's .cfl, complex (coil, H, W), also per slice.",
    "oversampling": "Readout oversampling to remove, if the header is wrong.",
    "whiten": "auto: by a noise measurement, or by the background where coils differ; no.",
    "coils": "Compress to so many virtual coils.",
    "safety": "Hold the images of trained methods against L1-wavelet and CG-SENSE.",
    "axes": "Stored axes, if not slices,coils,readout,phase.",
    "device": "cpu, cuda, cuda:1 ... or auto: cuda where there is one, else cpu. Apple's mps is not used.",
}
DEFAULT = "l1-wavelet"  # the method of `mrilab recon SCAN.h5`: it needs no training and takes any mask
EXAMPLES = """\
Examples:

\b
mrilab recon SCAN.h5 --acceleration 4
mrilab recon cg-sense UNDERSAMPLED.h5 --use-mask --out OUT.h5
mrilab recon modl SCANS --acceleration 4 --out RESULTS    (a folder; run it again to resume)
mrilab recon l1-wavelet SCAN.h5 --acceleration 4 --maps MAPS.npy --json"""
SCANS = "Raw data in the fastMRI HDF5 layout; several files, or folders of them, need --out FOLDER."
OUT = "Result, and a .png beside it [SCAN-METHOD.h5 here]; of several, the folder for them and summary.csv."
QUALITY = """\
all pixels      PSNR {psnr:.2f} dB   SSIM {ssim:.4f}   NRMSE {nrmse:.4f}
object only     PSNR {psnr_masked:.2f} dB   SSIM {ssim_masked:.4f}   NRMSE {nrmse_masked:.4f}"""
TABLE = """\
method          {method}
scan            {scan}, {count} slice(s) of {shape[0]} x {shape[1]}
mask            {sampling}
acceleration    {nominal} nominal, {effective_acceleration:.2f} effective
coil maps from  {maps_from}
{quality}
time            {seconds:.2f} s for the method, {seconds_total:.2f} s in all
device          {device}, peak memory {peak_memory_mb:.0f} MiB
written         {output}, {panel}"""


class Methods(TyperGroup):
    """A command for each method, made when it is asked for.

    `SCAN.h5 --method NAME` means `NAME SCAN.h5`, and `SCAN.h5` without a method means DEFAULT.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # a shell that completes a line
            return super().parse_args(ctx, [DEFAULT, *args] if args and names_no_method(args[0]) else args)
        words = [word for arg in args for word in (arg.split("=", 1) if arg.startswith("--method=") else [arg])]
        if "--method" in words:
            place = words.index("--method")
            name = words[place + 1 : place + 2] or [""]
            words = [*name, *words[:place], *words[place + 2 :]]
        elif words and names_no_method(words[0]):
            print(f"mrilab: note: no method is named, so it is {DEFAULT}", file=sys.stderr)
            words = [DEFAULT, *words]
        return super().parse_args(ctx, ["--help"] if words[:1] == ["help"] else words)

    def list_commands(self, ctx: Any) -> list[str]:
        from mrilab.methods.registry import available_methods

        return list(available_methods())

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        return None if ctx.resilient_parsing and cmd_name not in self.list_commands(ctx) else method_command(cmd_name)


def names_no_method(word: str) -> bool:
    """Return whether the first word after `recon` is an option, a file or a folder."""
    if word in ("--help", "help"):
        return False
    return word.startswith("-") or bool(Path(word).suffix) or os.sep in word or Path(word).is_dir()


app.add_typer(
    typer.Typer(),
    name="recon",
    cls=Methods,
    help="Reconstruct a scan: undersample it first (--acceleration), or take it as it is (--use-mask). Writes "
    "OUT.h5 and a picture, OUT.png; of several files or a folder of them, --out FOLDER has all results and a "
    f"summary.csv. Without METHOD it is {DEFAULT}. `mrilab recon METHOD --help` lists the options.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    subcommand_metavar="[METHOD] SCAN.h5 ...",
    context_settings={"ignore_unknown_options": True, "max_content_width": 120},
)


def method_command(name: str) -> TyperCommand:
    """Return the command of a method. Its options are those of the method and those of `reconstruct`.

    Raises:
        UserError: there is no such method.
    """
    from mrilab.evaluation.panel import write_panel
    from mrilab.evaluation.reconstruct import reconstruct
    from mrilab.methods.registry import find_method, method_options

    def recon(
        *,
        context: typer.Context,
        scans: Annotated[list[str], typer.Argument(metavar="SCAN.h5", help=SCANS)],
        out: Annotated[str | None, typer.Option(help=OUT)] = None,
        overwrite: Annotated[bool, typer.Option("--overwrite", help="Of several: make anew what is there.")] = False,
        json_: Annotated[bool, typer.Option("--json", help="Print one JSON object; of several, one a line.")] = False,
        **values: Any,
    ) -> None:
        from mrilab.commands.many import are_many, recon_many

        asked = {key: value for key, value in values.items() if is_asked(context, key)}
        asked.setdefault("safety", True)
        if are_many(scans, out):
            recon_many(scans, name, out, asked, overwrite, json_)
        (scan,) = scans
        h5, png = output_paths(out, scan, name, asked.get("prescan"))
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # removes temporary files
        with notes_on_stderr():
            result = reconstruct(scan, name, progress=True, **asked)
            result.write(h5)
            with after(h5):
                write_panel(png, result)
        summary = {**result.summary(), "output": str(h5), "panel": str(png)}
        print(as_json(summary) if json_ else as_table(summary))

    description = inspect.getdoc(find_method(name)) or ""
    common = inspect.signature(reconstruct, eval_str=True).parameters
    options = [*method_options(name).values(), *(common[key] for key in COMMON)]
    context, scans, *files, _ = inspect.signature(recon, eval_str=True).parameters.values()
    signature = inspect.Signature([context, scans, *map(typed, options), *files])
    vars(recon)["__signature__"] = signature  # which typer reads
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    settings = {"max_content_width": 120}
    summary = description.partition("\n")[0]
    single.command(name, help=description, short_help=summary, epilog=example(name), context_settings=settings)(recon)
    command = typer.main.get_command(single)
    assert isinstance(command, TyperCommand)  # a single command, so no group
    return command


def example(name: str) -> str:
    """Return what the help of a method shows below its options."""
    return f"Example: mrilab recon {name} SCAN.h5 --acceleration 4 --out OUT.h5"


def is_asked(context: typer.Context, key: str) -> bool:
    """Return whether the command line gives this option, and not its default."""
    source = context.get_parameter_source(key)
    return source is not None and source.name == "COMMANDLINE"


def typed(option: inspect.Parameter) -> inspect.Parameter:
    """Return the parameter as an option of the command line."""
    annotation = str | None if option.name in ("prescan", "maps") else option.annotation  # files here, nothing else
    default = True if option.name == "safety" else option.default  # on the command line nobody is to forget it
    described: Any = Annotated[annotation, typer.Option(help=COMMON.get(option.name))]
    return option.replace(annotation=described, default=default)


def output_paths(out: str | None, scan: str, method: str, prescan: str | None) -> tuple[Path, Path]:
    """Return OUT.h5 and OUT.png. A default name that a file system would not take is cut, and a note says so.

    Raises:
        UserError: they cannot be written, or would overwrite an input.
    """
    if out is None:
        out = fitting(Path(scan).stem, f"-{method}.png").removesuffix(".png") + ".h5"  # the picture's name is longer
        if out != f"{Path(scan).stem}-{method}.h5":
            print(f"mrilab: note: the name of {scan} is too long to add to; the result is {out}", file=sys.stderr)
    h5 = Path(out)
    if h5.suffix.lower() not in (".h5", ".hdf5"):
        raise UserError(f"--out {h5} must end in .h5; the picture gets the same name with .png")
    png = h5.with_suffix(".png")
    for path in (h5, png):
        check_output("--out", path, scan, prescan)
    return h5, png


def check_output(option: str, path: Path, *sources: str | None) -> None:
    """Raise `UserError` where a file cannot be written, or would overwrite one of the inputs."""
    if len(os.fsencode(path.name)) > LONGEST:
        raise UserError(f"the name {path.name} is longer than {LONGEST} bytes; choose a shorter one for {option}")
    if path.resolve() in (Path(source).resolve() for source in sources if source):
        raise UserError(f"{option} {path} would overwrite an input; choose another name")
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; give the name of a file")
    folder = next(parent for parent in path.resolve().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"{option} {path} cannot be written, because {folder} is not a writable folder; choose another")


@contextlib.contextmanager
def after(written: Path) -> Iterator[None]:
    """Say, where what comes after a result fails, that the result itself is written and whole."""
    try:
        yield
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else lacking(error)
        if reason is None:
            raise
        raise UserError(f"{reason} ({written} was written before and is whole)") from error


@contextlib.contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Print warnings as sentences on stderr, each once, however many slices raise them."""
    note = functools.cache(lambda text: print(f"mrilab: note: {text}", file=sys.stderr))
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: note(str(message))
        yield


def as_json(summary: dict[str, Any]) -> str:
    """Return the summary as JSON. JSON has no infinity: the PSNR of two equal images becomes null."""
    finite = json.loads(readable(json.dumps(summary, ensure_ascii=False)), parse_constant=lambda _: None)
    return json.dumps(finite, allow_nan=False)


def as_table(summary: dict[str, Any]) -> str:
    """Return the summary as lines to read."""
    nominal = summary["nominal_acceleration"]
    quality = "quality         no reference: the scan is undersampled" if summary["psnr"] is None else QUALITY
    return TABLE.format(
        **summary,
        count=len(summary["slices"]),
        sampling=" ".join(summary[key] for key in ("mask", "direction") if key in summary),
        nominal="-" if nominal is None else format(nominal, "g"),
        quality=quality.format(**summary),
    )
