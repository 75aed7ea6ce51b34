"""Masks with an exact number of points: drawn from a density, or on spokes."""

import math

import torch
from torch import Tensor

from mrilab.physics.lines import centre_lines, check_count
from mrilab.physics.pairs import partners

Shape = tuple[int, int]
EXPONENT = 4.0  # how fast the density of `variable_density` falls


def uniform_points(shape: Shape, count: int, generator: torch.Generator | None = None, acs: int = 0) -> Tensor:
    """Draw `count` points, all equally probable outside a full square of side `acs`, bool (H, W)."""
    return drawn_points(torch.ones(shape), count, generator, acs)


def variable_density(
    shape: Shape, count: int, generator: torch.Generator | None = None, exponent: float = EXPONENT, acs: int = 0
) -> Tensor:
    """Draw `count` points with a density (1 - d)^exponent, bool (H, W): d is 0 at DC, 1 at the corner (Lustig 2007).

    A square of side `acs` around DC is full.
    """
    return drawn_points((1 - distance(shape) / math.sqrt(2)).clamp(min=1e-3) ** exponent, count, generator, acs)


def drawn_points(density: Tensor, count: int, generator: torch.Generator | None = None, acs: int = 0) -> Tensor:
    """Draw `count` points one after the other, each with probabilities in proportion to `density` (H, W), bool (H, W).

    A square of side `acs` around DC comes first and is part of the count.

    Raises:
        UserError: more points than there are, fewer than one, or fewer than the square has.
    """
    check_count(count, density.numel(), acs**2)
    height, width = density.shape
    mask = (centre_lines(height, acs)[:, None] & centre_lines(width, acs)[None]).flatten()
    if left := count - acs**2:
        free = density.flatten().masked_fill(mask, 0)
        mask[torch.multinomial(free, left, replacement=False, generator=generator)] = True
    return mask.reshape(density.shape)


def radial(shape: Shape, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` points of a grid nearest to spokes through DC at equal angles, bool (H, W).

    There are as few spokes as have so many points. Those farthest from DC are left out again, in pairs. The first
    angle is drawn from `generator`, 0 without one.
    """
    check_count(count, math.prod(shape))
    turn = 0.0 if generator is None else float(torch.rand(1, generator=generator))
    mask, spokes = torch.zeros(shape, dtype=torch.bool), 0
    while int(mask.sum()) < count:
        spokes += 1
        # so many spokes pass all points that have a partner; the edge at -N / 2 has none
        mask = _spokes(shape, spokes, turn) if spokes < 4 * max(shape) else torch.ones(shape, dtype=torch.bool)
    surplus = int(mask.sum()) - count
    number = torch.arange(mask.numel()).reshape(shape)
    by_pair = torch.minimum(number, partners(number)).flatten().argsort(stable=True)  # a point beside its partner
    far = torch.where(mask, distance(shape), -1).flatten()[by_pair]
    mask.view(-1)[by_pair[far.argsort(descending=True, stable=True)[:surplus]]] = False
    return mask


def distance(shape: Shape) -> Tensor:
    """Return the distance of each point from DC, (H, W): 1 at the middle of each edge."""
    row, column = ((torch.arange(n) - n // 2).abs() / (n / 2) for n in shape)
    return torch.hypot(row[:, None], column[None, :])


def _spokes(shape: Shape, spokes: int, turn: float) -> Tensor:
    """Return the points next to `spokes` lines through DC, at angles (turn + 0, 1, ...) pi / spokes, bool (H, W)."""
    height, width = shape
    angle = math.pi * (torch.arange(spokes, dtype=torch.float64) + turn) / spokes
    radius = torch.linspace(-1, 1, 4 * max(shape) + 1, dtype=torch.float64)  # denser than the grid, symmetric about 0
    row = (radius * (height // 2) * angle.sin()[:, None]).round().long()  # (spokes, samples)
    column = (radius * (width // 2) * angle.cos()[:, None]).round().long()
    inside = (row.abs() <= (height - 1) // 2) & (column.abs() <= (width - 1) // 2)  # what has its partner on the grid
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[row[inside] + height // 2, column[inside] + width // 2] = True
    return mask
