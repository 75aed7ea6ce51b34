"""Masks with an exact number of points or lines, by name of what places them: density, spokes, or even spacing."""

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.sampling import Shape, centre_lines

EXPONENT = 4.0  # how fast the density of `variable_density` falls


def uniform_points(shape: Shape, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw `count` points, all equally probable, bool (H, W)."""
    return drawn_points(torch.ones(shape), count, generator)


def variable_density(
    shape: Shape, count: int, generator: torch.Generator | None = None, exponent: float = EXPONENT
) -> Tensor:
    """Draw `count` points with a density (1 - d)^exponent, bool (H, W): d is 0 at DC, 1 at the corner (Lustig 2007)."""
    return drawn_points((1 - distance(shape) / math.sqrt(2)).clamp(min=1e-3) ** exponent, count, generator)


def drawn_points(density: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw `count` points one after the other, each with probabilities in proportion to `density` (H, W), bool (H, W).

    Raises:
        UserError: more points than there are, or fewer than one.
    """
    check_count(count, density.numel())
    chosen = torch.multinomial(density.flatten(), count, replacement=False, generator=generator)
    return torch.zeros(density.numel(), dtype=torch.bool).index_fill(0, chosen, True).reshape(density.shape)


def radial(shape: Shape, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` points of a grid nearest to spokes through DC at equal angles, bool (H, W).

    There are as few spokes as have so many points. Those farthest from DC are left out again, in pairs. The first
    angle is drawn from `generator`, 0 without one.
    """
    check_count(count, math.prod(shape))
    turn = 0.0 if generator is None else float(torch.rand(1, generator=generator))
    spokes = 1
    while int((mask := _spokes(shape, spokes, turn)).sum()) < count:
        spokes += 1
    surplus = int(mask.sum()) - count
    far = torch.where(mask, distance(shape), -1).flatten()
    # by whole distances, so that a point and its partner, which are equally far, go together
    mask.view(-1)[far.argsort(descending=True, stable=True)[:surplus]] = False
    return mask


def random_lines(n: int, count: int, acs: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` of `n` lines: `acs` around DC, the rest drawn uniformly, bool (n).

    Raises:
        UserError: more calibration lines than lines.
    """
    lines, outside = _calibrated(n, count, acs)
    lines[outside[torch.randperm(len(outside), generator=generator)[: count - acs]]] = True
    return lines


def equispaced_lines(n: int, count: int, acs: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` of `n` lines: `acs` around DC, the rest as evenly as whole numbers allow, bool (n).

    The place of the first is drawn from `generator`; without one it is half a spacing from the edge.

    Raises:
        UserError: more calibration lines than lines.
    """
    lines, outside = _calibrated(n, count, acs)
    if count > acs:
        spacing = len(outside) / (count - acs)
        start = 0.5 if generator is None else float(torch.rand(1, generator=generator))
        places = ((torch.arange(count - acs) + start) * spacing).floor().long()
        lines[outside[places]] = True
    return lines


def distance(shape: Shape) -> Tensor:
    """Return the distance of each point from DC, (H, W): 1 at the middle of each edge."""
    row, column = ((torch.arange(n) - n // 2).abs() / (n / 2) for n in shape)
    return torch.hypot(row[:, None], column[None, :])


def check_count(count: int, places: int) -> None:
    """Raise UserError for a number of samples that there are not."""
    if not 1 <= count <= places:
        raise UserError(f"{count} samples of {places} places are impossible; ask for 1 to {places}")


def _calibrated(n: int, count: int, acs: int) -> tuple[Tensor, Tensor]:
    check_count(count, n)
    if not 0 <= acs <= count:
        raise UserError(f"{count} lines cannot hold {acs} calibration lines; ask for more lines or a smaller centre")
    lines = centre_lines(n, acs)
    return lines, torch.nonzero(~lines).flatten()


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
