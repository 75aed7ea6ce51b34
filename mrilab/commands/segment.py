"""`mrilab segment SCAN.h5`: many answers to where a mass is, straight from the samples."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mrilab.commands import app
from mrilab.commands.bounds import Lazy, paper_module
from mrilab.commands.recon import COMMON, after, as_json, check_output, notes_on_stderr, output_paths

TABLE = """\
scan            {scan}, {count} slice(s) of {shape[0]} x {shape[1]}
sampling        {mask}, effective acceleration {effective_acceleration:.2f}
network         {network}; {note}
answers         {samples}, {empty:.0%} of them empty
volume          {volume:{form}} {unit}, 95 % of the answers within {interval[0]:{form}} to {interval[1]:{form}}
disagreement    {disagreement:.2f} (mean 1 - IoU between answers){look}

time            {seconds:.2f} s for the network, {seconds_total:.2f} s in all
device          {device}, peak memory {peak_memory_mb:.0f} MiB
written         {written}"""


class Segment(Lazy):
    """A command whose defaults stand in `segment_scan`."""

    module, function = "segment", "segment_scan"


@app.command(cls=Segment, context_settings={"max_content_width": 120})
def segment(
    scan: Annotated[str, typer.Argument(metavar="SCAN.h5", help="Raw data in the fastMRI HDF5 layout.")],
    ratio: Annotated[float | None, typer.Option(help="Sample this share of the lines, by the learned ones.")] = None,
    mask: Annotated[str | None, typer.Option(metavar="FILE", help="Sample what this file says.")] = None,
    use_mask: Annotated[bool, typer.Option("--use-mask", help=COMMON["use_mask"])] = False,
    samples: Annotated[int | None, typer.Option(help="Number of answers.")] = None,
    network: Annotated[str | None, typer.Option(help="Checkpoint of the network that answers.")] = None,
    voxel_mm: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="HEIGHT WIDTH THICKNESS", help="Size of a voxel, if the header lacks it."),
    ] = None,
    slice: Annotated[int | None, typer.Option(help=COMMON["slice"])] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the answers.")] = None,
    maps_from: Annotated[str | None, typer.Option(help=COMMON["maps_from"])] = None,
    prescan: Annotated[str | None, typer.Option(help=COMMON["prescan"])] = None,
    oversampling: Annotated[float | None, typer.Option(help=COMMON["oversampling"])] = None,
    device: Annotated[str | None, typer.Option(help=COMMON["device"])] = None,
    out: Annotated[str | None, typer.Option(help="Result [SCAN-segment.h5 here].")] = None,
    nifti: Annotated[str | None, typer.Option(metavar="OUT.nii.gz", help="Probability of each pixel as NIfTI.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw many answers to where a mass is in a scan, and say how far they disagree. Only simulated ones were seen."""
    from mrilab.data.nifti import split_ending

    h5, _ = output_paths(out, scan, "segment", prescan)
    if nifti:
        split_ending(nifti, "--nifti")
        check_output("--nifti", Path(nifti), scan, prescan)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # removes temporary files
    with notes_on_stderr():
        result = paper_module("segment").segment_scan(
            scan,
            ratio=ratio,
            mask=mask,
            use_mask=use_mask,
            samples=samples,
            network=network,
            voxel_mm=voxel_mm,
            seed=seed,
            slice=slice,
            maps_from=maps_from,
            prescan=prescan,
            oversampling=oversampling,
            device=device,
            progress=True,
        )
        result.write(h5)
        with after(h5):
            if nifti:
                result.write_probability(nifti)
    summary = {**result.summary(), "output": str(h5), "nifti": nifti}
    print(as_json(summary) if json_ else as_table(summary))


def as_table(summary: dict[str, Any]) -> str:
    """Return the summary as lines to read."""
    words = {
        "form": ".2f" if summary["unit"] == "ml" else ".0f",
        "count": len(summary["slices"]),
        "look": ": a person should look" if summary["look"] else "",
        "written": ", ".join(each for each in (summary["output"], summary["nifti"]) if each),
    }
    return TABLE.format(**summary | words)
