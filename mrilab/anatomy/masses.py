"""One mass, or several spots, in the grey and white matter of a finished head, from a generator of its own.

A mass has an outline bent by low harmonics and a border that is sharp or soft: where it is soft, raters disagree. Spots
are small and round. What is planted replaces the tissue, and keeps its phase. The figures are in `masses.toml`.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.contrast import INDEX
from mrilab.anatomy.image import Heads

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
KINDS = ("none", "mass", "spots")
AROUND = 12.0  # standard deviation in mm of the window in which the signal of the tissue around is measured
DEEP = 0.9  # least mean share of grey and white matter around a centre
NEIGHBOURHOOD = 9.0  # mm over which it is asked


def plant_masses(heads: Heads, kinds: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the image complex64 (n, H, W) of finished heads, and how far each pixel belongs to a mass or a spot.

    `kinds` are positions in KINDS, one a head, int64 (n). A head that shows too little brain for a centre stays as it
    is. Slices are of different heads.
    """
    pixel = heads.slices.pixel.cpu()  # (n,) mm
    brain = (heads.shares[:, INDEX["white matter"]] + heads.shares[:, INDEX["grey matter"]]).cpu()  # (n, H, W)
    window = 2 * round(NEIGHBOURHOOD / float(pixel.mean()) / 2) + 1
    candidates = torch.nn.functional.avg_pool2d(brain, window, 1, window // 2) > DEEP
    magnitude, membership = heads.image.abs().cpu(), torch.zeros(brain.shape)
    for number, kind in enumerate(kinds.tolist()):
        if kind == 0 or not candidates[number].any():
            continue
        table = TABLES[KINDS[kind]]
        low, high = table.get("count", (1, 1))
        count = int(torch.randint(low, high + 1, (), generator=generator))
        ratio = _between(_signal(heads.contrast, generator), generator)
        for centre in torch.multinomial(candidates[number].flatten().float(), count, generator=generator).tolist():
            row, column = divmod(centre, brain.shape[-1])
            member, near = _shape(table, row, column, float(pixel[number]), brain[number], generator)
            level = ratio * (near * magnitude[number]).sum() / near.sum()
            magnitude[number] += member * (level - magnitude[number])
            membership[number] += member * (1 - membership[number])
    device = heads.image.device
    image = torch.polar(magnitude.to(device), heads.image.angle())
    membership = membership.to(device)
    return torch.where(membership > 0, image, heads.image), membership


def _shape(
    table: dict, row: int, column: int, pixel: float, brain: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the membership of one shape (H, W), and the weights of the tissue around it."""
    rows, columns = (torch.arange(size, dtype=torch.float32) for size in brain.shape)
    down, right = pixel * (rows[:, None] - row), pixel * (columns - column)  # mm
    distance, angle = torch.hypot(down, right), torch.atan2(down + 0 * right, right + 0 * down)
    radius = torch.full_like(distance, _between(table["radius"], generator))
    for k in table.get("bends", ()):
        bend, start = torch.randn((), generator=generator), 2 * torch.pi * torch.rand((), generator=generator)
        radius = radius * (1 + table["bend"] * bend.clamp(-2, 2) * torch.cos(k * angle + start))
    border = _between(table["border"], generator)
    member = torch.sigmoid((radius - distance) / border) * brain
    return member, brain * torch.exp(-0.5 * (distance / AROUND).square())


def _signal(contrast: str, generator: torch.Generator) -> Sequence[float]:
    ranges = TABLES["signal"][contrast]
    return ranges[int(torch.randint(len(ranges), (), generator=generator))]


def _between(ends: Sequence[float], generator: torch.Generator) -> float:
    low, high = ends
    return low + (high - low) * float(torch.rand((), generator=generator))
