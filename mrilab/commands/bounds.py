"""`mrilab bounds SCAN.h5 --class NAME`: the least and the largest volume of a class that guidance finds in the data."""

import inspect
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from mrilab.commands import app
from mrilab.commands.recon import COMMON, after, as_json, check_output, notes_on_stderr, output_paths

ROW = "{:20} {:>9} {:>9} {:>9} {:>9} {:>7}   {}"
HEAD = ("low", "unguided", "up", "gap", "gap/up", "beside them")
TABLE = """\
scan            {scan}, {count} slice(s) of {shape[0]} x {shape[1]}
sampling        {sampling}, effective acceleration {effective_acceleration:.2f}
prior           {prior}, {steps} steps
segmentation    {segment}, second look: {second}
guidance        strength {strength:g}, sigma {range[0]:g} to {range[1]:g}, through {through}, view {view}

{rows}

time            {seconds:.2f} s for the method, {seconds_total:.2f} s in all
device          {device}, peak memory {peak_memory_mb:.0f} MiB
written         {written}"""


class Lazy(TyperCommand):
    """A command whose defaults stand in the function it calls, and are looked up when somebody uses it."""

    module, function = "report", "find_bounds"

    def get_params(self, ctx: Any) -> list[Any]:
        known = inspect.signature(getattr(paper_module(self.module), self.function)).parameters
        params = super().get_params(ctx)
        for param in params:
            own = known.get(param.name.rstrip("_"))
            if own is not None and own.default not in (own.empty, None):
                param.default = own.default
        return params


def paper_module(name: str) -> Any:
    """Import the module of this name of the one paper that has it."""
    from mrilab import papers

    (module,) = papers.modules(name)
    return module


@app.command(cls=Lazy, context_settings={"max_content_width": 120})
def bounds(
    scan: Annotated[str, typer.Argument(metavar="SCAN.h5", help="Raw data in the fastMRI HDF5 layout.")],
    class_: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="What to bound; several times for several.")
    ] = None,
    acceleration: Annotated[float | None, typer.Option(help=COMMON["acceleration"])] = None,
    mask: Annotated[str | None, typer.Option(help=COMMON["mask"])] = None,
    direction: Annotated[str | None, typer.Option(help=COMMON["direction"])] = None,
    use_mask: Annotated[bool, typer.Option("--use-mask", help=COMMON["use_mask"])] = False,
    prior: Annotated[str | None, typer.Option(help="Checkpoint of the score prior.")] = None,
    segment: Annotated[str | None, typer.Option(help="Checkpoint of the segmentation network that guides.")] = None,
    second: Annotated[
        str | None, typer.Option(help="Checkpoint of a network that only looks [SEGMENT-second, where there is one].")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="Largest push of a step over the norm of epsilon.")] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps of a chain.")] = None,
    range_: Annotated[
        tuple[float, float] | None, typer.Option("--range", metavar="LOW HIGH", help="Sigma where guidance acts.")
    ] = None,
    through: Annotated[
        Literal["data", "step"] | None, typer.Option(help="The gradient leaves out the denoiser, or nothing.")
    ] = None,
    view: Annotated[
        Literal["plain", "moved", "released"] | None,
        typer.Option(help="The segmentation sees images as they are, moved at random, or as the released code does."),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Repeated reconstructions to hold the bounds against.")] = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"] | None, typer.Option(help="Arithmetic of the prior's network.")
    ] = None,
    voxel_mm: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="HEIGHT WIDTH THICKNESS", help="Size of a voxel, if the header lacks it."),
    ] = None,
    slice: Annotated[int | None, typer.Option(help=COMMON["slice"])] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the mask and of the chains.")] = None,
    maps_from: Annotated[str | None, typer.Option(help=COMMON["maps_from"])] = None,
    prescan: Annotated[str | None, typer.Option(help=COMMON["prescan"])] = None,
    oversampling: Annotated[float | None, typer.Option(help=COMMON["oversampling"])] = None,
    device: Annotated[str | None, typer.Option(help=COMMON["device"])] = None,
    out: Annotated[str | None, typer.Option(help="Result, and a .png beside it [SCAN-bounds.h5 here].")] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="OUT.nii.gz", help="Labels: OUT-low.nii.gz and OUT-up.nii.gz.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Reconstruct a scan twice for each class: with as little and with as much of it as the data and a prior allow."""
    h5, png = output_paths(out, scan, "bounds", prescan)
    nifti: tuple[Path, ...] = paper_module("labels").label_paths(labels) if labels else ()
    for path in (Path(labels), *nifti) if labels else ():
        check_output("--labels", path, scan, prescan)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # removes temporary files
    with notes_on_stderr():
        result = paper_module("report").find_bounds(
            scan,
            class_ or [],
            prior=prior,
            segment=segment,
            second=second,
            strength=strength,
            steps=steps,
            range=range_,
            through=through,
            view=view,
            samples=samples,
            precision=precision,
            voxel_mm=voxel_mm,
            acceleration=acceleration,
            mask=mask,
            direction=direction,
            seed=seed,
            use_mask=use_mask,
            slice=slice,
            maps_from=maps_from,
            prescan=prescan,
            oversampling=oversampling,
            device=device,
            progress=True,
        )
        result.write(h5)
        with after(h5):
            paper_module("bounds_panel").write_bounds_panel(png, result)
            if labels:
                paper_module("labels").write_labels(labels, result)
    summary = {**result.summary(), "output": str(h5), "panel": str(png), "labels": [str(path) for path in nifti]}
    print(as_json(summary) if json_ else as_table(summary))


def as_table(summary: dict[str, Any]) -> str:
    """Return the summary as lines to read."""
    form = ".2f" if summary["unit"] == "ml" else ".0f"
    rows = [ROW.format(f"volume ({summary['unit']})", *HEAD)]
    for row in summary["classes"]:
        numbers = [format(row[key], form) for key in ("low", "unguided", "up", "gap")]
        ratio = "-" if row["ratio"] is None else format(row["ratio"], ".3f")
        rows.append(ROW.format(row["class"], *numbers, ratio, beside(row, form)).rstrip())
    return TABLE.format(
        **summary | {"second": summary["second"] or "none"},
        rows="\n".join(rows),
        count=len(summary["classes"][0]["slices"]),
        sampling=" ".join(summary[key] for key in ("mask", "direction") if key in summary),
        written=", ".join([summary["output"], summary["panel"], *summary["labels"]]),
    )


def beside(row: dict[str, Any], form: str) -> str:
    """Return what a class's volumes are to be held against: the full data, samples, the second network."""
    parts = [] if row["reference"] is None else [f"full data {row['reference']:{form}}"]
    for name, ends in (("samples", row["repeated"]), ("second network", row["second"])):
        parts += [] if ends is None else [f"{name} {ends['low']:{form}} to {ends['up']:{form}}"]
    return ", ".join(parts)
