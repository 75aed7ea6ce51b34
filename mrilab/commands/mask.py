"""`mrilab mask NAME --ratio R`: draw a sampling mask, say what it does, and write it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mrilab.commands import app
from mrilab.commands.recon import as_json, check_output

TABLE = """\
mask            {name}, {kind}, {shape[0]} x {shape[1]}
ratio           {ratio:.4f} asked, {ratio_got:.4f} got: {samples} of {positions}
centre          {centre[0]} x {centre[1]} fully sampled
redundancy      {redundancy:.3f} of the samples have their mirror image sampled as well
point spread    largest sidelobe {largest_sidelobe:.3f} of the peak
{kind:15} {listed}
written         {output}"""


@app.command(context_settings={"max_content_width": 120})
def mask(
    name: Annotated[str, typer.Argument(help="equispaced, random, infomri, ...; a wrong one gets the list.")],
    ratio: Annotated[float, typer.Option(help="Samples over positions, above 0 and at most 1.")],
    out: Annotated[Path, typer.Option(help="MASK.h5, MASK.npy or MASK.csv.")],
    shape: Annotated[tuple[int, int], typer.Option(metavar="H W", help="Of k-space.")] = (128, 128),
    acs: Annotated[
        int | None, typer.Option(min=0, help="Side of the full centre [that of the kind or pattern].")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the draw [0].")] = None,
    top_k: Annotated[bool, typer.Option("--top-k", help="The most probable positions of a trained pattern.")] = False,
    direction: Annotated[str, typer.Option(help="vertical or horizontal, for the fixed kinds of lines.")] = "vertical",
    kind: Annotated[
        Literal["points", "lines", "rows"] | None, typer.Option(help="Refuse a mask of another kind.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a mask by the name of a fixed kind or of a trained pattern, for `mrilab recon --mask FILE` or a scanner."""
    from mrilab.data.masks import SUFFIXES, positions, write_mask
    from mrilab.errors import UserError
    from mrilab.methods.patterns import named_mask
    from mrilab.physics.pairs import redundancy
    from mrilab.physics.psf import largest_sidelobe
    from mrilab.physics.sampling import calibration_box

    if not 0 < ratio <= 1:
        raise UserError(f"a sampling ratio is above 0 and at most 1, not {ratio:g}")
    if min(shape) < 1:
        raise UserError(f"k-space of {shape[0]} x {shape[1]} is impossible; give two numbers from 1 on")
    if top_k and seed is not None:
        raise UserError("--seed and --top-k exclude each other; choose one")
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(f"--out {out} must end in {', '.join(SUFFIXES)}")
    check_output("--out", out)
    seed = None if top_k else seed or 0
    made = named_mask(name, shape, 1 / ratio, direction, seed, acs)
    height, width = made.shape
    found: Literal["points", "lines", "rows"] = (
        "lines" if height < shape[0] else "rows" if width < shape[1] else "points"
    )
    if kind not in (None, found):
        raise UserError(f"{name} samples {found}, not {kind}; choose another mask")
    samples, places = int(made.sum()), positions(made)
    unit = (height, width)
    facts = {
        "name": name,
        "kind": found,
        "shape": list(shape),
        "ratio": ratio,
        "ratio_got": samples / made.numel(),
        "samples": samples,
        "positions": made.numel(),
        "centre": list(calibration_box(made, shape, max(shape))),
        "redundancy": redundancy(made, unit),
        "largest_sidelobe": largest_sidelobe(made, shape),
        "seed": seed,
        "top_k": top_k,
    }
    write_mask(out, made, facts)
    listed = [column for _, column in places] if found == "lines" else [row for row, _ in places]
    summary = facts | {"from_dc": places if found == "points" else listed, "output": str(out)}
    if json_:
        print(as_json(summary))
    else:
        print(TABLE.format(**summary, listed=_words(places if found == "points" else listed)))


def _words(places: list) -> str:
    """Return positions counted from DC, the first forty of them."""
    words = " ".join(str(place).replace(" ", "") for place in places[:40])
    return f"{words}{' ...' if len(places) > 40 else ''} from DC"
