"""`mrilab convert IN OUT`: raw data of other formats in, raw data and images of other formats out."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mrilab.commands import app
from mrilab.commands.recon import as_json, check_output, notes_on_stderr


@app.command(context_settings={"max_content_width": 120})
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Raw data, or a result of `mrilab recon`.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Its ending says the format.")],
    encoding: Annotated[int | None, typer.Option(min=0, help="ISMRMRD: number of the encoding [the first].")] = None,
    echo: Annotated[int | None, typer.Option(min=0, help="SKM-TEA: number of the echo [0].")] = None,
    mask: Annotated[str | None, typer.Option(help="SKM-TEA: undersample by this mask of the file.")] = None,
    slices: Annotated[str | None, typer.Option(metavar="A:B", help="SKM-TEA: only slices A to B - 1.")] = None,
    axes: Annotated[str | None, typer.Option(help="NumPy: such as coils,slices,readout,phase.")] = None,
    voxel_mm: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="H W T", help="Height, width, thickness of a voxel, for files that do not say it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Convert raw data to .h5 (fastMRI layout), .cfl, .npy or .npz, or a result of `mrilab recon` to .nii.gz.

    Raw data may be ISMRMRD (.h5), BART (.cfl and .hdr), SKM-TEA (.h5), NumPy (.npy, .npz) or fastMRI (.h5). A result
    may become .nii, .nii.gz, .cfl or .npy; its uncertainty becomes a file of its own, OUT-uncertainty.
    """
    from mrilab.data.formats.convert import convert as convert_file

    check_output("OUT", target, str(source))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # removes temporary files
    options: dict[str, Any] = {"encoding": encoding, "echo": echo, "mask": mask, "slices": slices, "axes": axes}
    with notes_on_stderr():
        summary = convert_file(source, target, voxel_mm=voxel_mm, force=force, **options)
    print(as_json(summary) if json_ else as_lines(summary))


def as_lines(summary: dict[str, Any]) -> str:
    """Return the summary as lines to read."""
    shape = " x ".join(map(str, summary["shape"]))
    coils = f" from {summary['coils']} coil(s)" if "coils" in summary else ""
    lines = [
        ("read", f"{summary['input']}, {summary['format']}"),
        ("found", f"{summary['slices']} slice(s) of {shape}{coils}"),
    ]
    if summary.get("sampled") is not None:
        lines.append(("mask", f"{summary['sampled']:.3f} of the positions are sampled"))
    if summary.get("noise_samples"):
        lines.append(("noise", f"{summary['noise_samples']} samples a coil"))
    if "voxel_mm" in summary:
        size = " x ".join(f"{mm:g}" for mm in summary["voxel_mm"] or [])
        where = "with" if summary["orientation"] else "without"
        lines.append(("voxel", f"{size + ' mm' if size else 'of unknown size'}, {where} orientation"))
    lines.append(("written", ", ".join(summary["written"])))
    return "\n".join(f"{name:15} {text}" for name, text in lines)
