"""A real brain with 16 coils: learned lines beside random and equispaced ones of equal number and equal centre.

The scan is brain-16ch.h5 in the folder that MRILAB_REAL_SCANS names, which does not ship. Masks are drawn with ten
seeds; "top" are the most probable learned lines, and equispaced ones come once.
"""

import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from mrilab.data.masks import write_mask
from mrilab.errors import UserError
from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.infomri.masks import draw_pattern
from mrilab.physics.lines import equispaced_lines, random_lines

SCAN, WIDTH = "brain-16ch.h5", 128
CENTRE = 8  # lines of every mask's fully sampled centre: that of the learned pattern
SEEDS = range(10)
METHODS = ("l1-wavelet", "flat", "infomri")
MEASURED = ("psnr", "ssim", "psnr_masked", "ssim_masked")


def cases() -> list[tuple]:
    """Return one case a mask, number of lines, method and seed."""
    masks = [("top", 0), ("equispaced", 0), *(("learned", s) for s in SEEDS), *(("random", s) for s in SEEDS)]
    return [(method, lines, *mask) for method in METHODS for lines in (32, 16) for mask in masks]


@experiment(
    "learned lines on a real brain with 16 coils, beside random and equispaced ones",
    MEASURED,
    cases,
)
def measure(method: str, lines: int, mask: str, seed: int) -> dict[str, float]:
    """Reconstruct the scan once. Raises UserError where nobody says in which folder it lies."""
    folder = os.environ.get("MRILAB_REAL_SCANS")
    if not folder:
        raise UserError("set MRILAB_REAL_SCANS to the folder of real scans to run this experiment")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "mask.npy"
        write_mask(file, lines_of(mask, lines, seed), {})
        (result,) = reconstruct(Path(folder) / SCAN, method, mask=str(file)).slices
    return {name: result.metrics[name] for name in MEASURED}


def lines_of(mask: str, lines: int, seed: int) -> Tensor:
    """Return one mask of vertical lines, bool (1, WIDTH)."""
    generator = torch.Generator().manual_seed(seed)
    if mask == "random":
        return random_lines(WIDTH, lines, CENTRE, generator)[None]
    if mask == "equispaced":
        return equispaced_lines(WIDTH, lines, CENTRE)[None]
    return draw_pattern("infomri", (WIDTH, WIDTH), lines / WIDTH, None if mask == "top" else seed, None)
