"""Every Cartesian sampling that a scanner may make, drawn at random, for networks that must not be surprised by one."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from mrilab.physics.fourier import mirror
from mrilab.physics.poisson import poisson_mask

KINDS = {"every r-th line": 0.3, "random lines": 0.12, "dense lines": 0.13, "poisson": 0.2, "dense points": 0.15}
KINDS["all"] = 0.1
LEAST, MOST = 1.5, 12.0  # acceleration, uniform in its logarithm
CENTRE = (8, 32)  # number of calibration lines
OFF_CENTRE = 3  # lines that the calibration lines may lie beside N // 2
POOL = 24  # number of Poisson masks of a shape, from LEAST to MOST


def draw_sampling(shape: tuple[int, int], coils: int, generator: torch.Generator) -> Tensor:
    """Draw a mask, bool (H, W), for a scan with so many coils.

    It has lines in either direction, with the first line anywhere, or points, and a fully sampled centre. A part of the
    draws are partial Fourier acquisitions, have an asymmetric echo, or leave out the corners of k-space. Few coils get
    low accelerations, since from higher ones nothing could be learned.
    """
    draw = _Uniform(generator)
    acceleration = LEAST * (min(MOST, 2.5 + 1.5 * coils) / LEAST) ** draw(0, 1)
    kind = list(KINDS)[int(torch.multinomial(torch.tensor(list(KINDS.values())), 1, generator=generator))]
    turned = draw(0, 1) < 0.5
    height, width = shape[::-1] if turned else shape
    points = kind in ("poisson", "dense points")
    if kind == "all":
        mask = torch.ones(height, width, dtype=torch.bool)
    elif kind == "poisson":
        mask = _poisson((height, width), acceleration, generator)
    elif kind == "dense points":
        mask = _dense_points(height, width, acceleration, draw)
    else:
        mask = _lines(kind, width, acceleration, draw)[None].expand(height, width)
    if points and draw(0, 1) < 0.3:
        mask = mask & (_radius(height, width) <= 1)
    if not points and draw(0, 1) < 0.2:  # partial Fourier: 5/8 to 7/8 of the lines
        mask = mask & _one_side(width, draw(0.125, 0.375), draw)
    if draw(0, 1) < 0.12:  # an asymmetric echo
        mask = mask & _one_side(height, draw(0.05, 0.25), draw)[:, None]
    return (mask.T if turned else mask).contiguous()


class _Uniform:
    """Draw numbers between two others."""

    def __init__(self, generator: torch.Generator):
        self.generator = generator

    def __call__(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def field(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator)


def _lines(kind: str, n: int, acceleration: float, draw: _Uniform) -> Tensor:
    """Select lines (n,) of a kind, and the calibration lines."""
    lines = torch.zeros(n, dtype=torch.bool)
    if kind == "every r-th line":
        lines[torch.arange(draw(0, acceleration - 0.5), n - 0.5, acceleration).round().long()] = True
    elif kind == "random lines":
        lines = draw.field(n) < 1 / acceleration
    else:
        distance = (torch.arange(n) - n // 2).abs() / (n / 2)
        lines = draw.field(n) < _density(distance, acceleration, draw(1, 4))
    count = min(round(draw(*CENTRE)), n // 4)
    off = round(draw(-OFF_CENTRE, OFF_CENTRE)) if draw(0, 1) < 0.25 else 0
    start = n // 2 - count // 2 + off
    lines[start : start + count] = True
    return lines


def _dense_points(height: int, width: int, acceleration: float, draw: _Uniform) -> Tensor:
    """Select points (H, W) independently, denser towards the centre, and a square in the centre."""
    distance = _radius(height, width) / math.sqrt(2)
    points = draw.field(height, width) < _density(distance, acceleration, draw(1, 4))
    side = min(round(draw(CENTRE[0], 24)), height // 4, width // 4)
    top, left = height // 2 - side // 2, width // 2 - side // 2
    points[top : top + side, left : left + side] = True
    return points


def _density(distance: Tensor, acceleration: float, power: float) -> Tensor:
    """Return probabilities that fall as (1 - distance)^power, up to 1, with the mean 1 / acceleration."""
    shape = (1 - distance).clamp(0, 1) ** power
    low, high = 0.0, 1e4  # of the factor, which is bisected
    for _ in range(30):
        factor = (low + high) / 2
        low, high = (factor, high) if (factor * shape).clamp_max(1).mean() < 1 / acceleration else (low, factor)
    return (low * shape).clamp_max(1)


def _radius(height: int, width: int) -> Tensor:
    """Return the distance (H, W) from the centre, 1 at the middle of each side."""
    y = (torch.arange(height) - height // 2) / (height / 2)
    x = (torch.arange(width) - width // 2) / (width / 2)
    return torch.hypot(y[:, None], x[None])


def _one_side(n: int, share: float, draw: _Uniform) -> Tensor:
    """Select all of n lines but a share of them at one side."""
    kept = torch.ones(n, dtype=torch.bool)
    kept[: round(share * n)] = False
    return kept if draw(0, 1) < 0.5 else kept.flip(0)


def _poisson(shape: tuple[int, int], acceleration: float, generator: torch.Generator) -> Tensor:
    """Return the Poisson mask of the pool that is nearest to the acceleration, mirrored at random."""
    place = (POOL - 1) * math.log(acceleration / LEAST) / math.log(MOST / LEAST)
    turned = torch.rand(2, generator=generator) < 0.5
    return mirror(_poisson_pool(shape)[round(place)], tuple(dim for dim in (0, 1) if turned[dim]))


@lru_cache(maxsize=4)
def _poisson_pool(shape: tuple[int, int]) -> Tensor:
    """Draw the pool (POOL, H, W): throwing darts takes longer than a training step."""
    generator = torch.Generator().manual_seed(0)
    side = min(16, min(shape) // 4)
    steps = [LEAST * (MOST / LEAST) ** (n / (POOL - 1)) for n in range(POOL)]
    return torch.stack([poisson_mask(shape, step, side, generator) for step in steps])
