"""Sampling masks: which points of k-space are measured. True = sampled, DC at N // 2.

A "vertical" mask selects columns, that is phase-encoding lines, and has the shape (1, W); a "horizontal" one
selects rows, (H, 1); the others select points, (H, W). Masks broadcast against (..., H, W).
Nominal acceleration is what was asked for; `effective_acceleration` is what the mask does.
"""

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.densities import Shape, radial, uniform_points, variable_density
from mrilab.physics.fourier import centre_crop
from mrilab.physics.lines import centre_lines
from mrilab.physics.poisson import poisson_acs, poisson_mask

LONGER = 4 / 3  # how much longer a block beside DC is than the box around it where it takes its place
FEWEST_LINES = 8  # narrowest calibration region for ESPIRiT; a narrower one cannot hold enough kernels


def acs_lines(n: int, acceleration: float) -> int:
    """Return the width of the calibration region: 8 % of n lines for R <= 6, 4 % above (Jalal et al. 2021, code).

    >>> acs_lines(128, 4), acs_lines(128, 8)
    (10, 5)
    """
    return math.floor((0.08 if acceleration <= 6 else 0.04) * n)


def equispaced_mask(shape: Shape, acceleration: float, direction: str = "vertical", acs: int | None = None) -> Tensor:
    """Select every R-th of the lines outside the ACS, R rounded, from line 0, plus the ACS, as the CSGM paper does.

    The spacing jumps over the centre and the ACS comes on top, so the effective acceleration is lower than R: 3.2
    for R = 4, 6.2 for R = 8 at 384 lines (released code of Jalal et al. 2021; their text says otherwise).
    """
    lines = _acs(shape, acceleration, direction, acs)
    lines[torch.nonzero(~lines).flatten()[:: round(acceleration)]] = True
    return _orient(lines, direction)


def equispaced_all_mask(
    shape: Shape,
    acceleration: float,
    direction: str = "vertical",
    acs: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Select every R-th of all lines plus the ACS, as scanners and fastMRI's equispaced masks do.

    The first line is drawn from `generator` (0 without one). Aliases fold exactly n / R pixels apart.
    """
    lines = _acs(shape, acceleration, direction, acs)
    offset = 0 if generator is None else int(torch.randint(int(acceleration), (), generator=generator))
    positions = torch.arange(offset, len(lines), acceleration, dtype=torch.float64).round().long()
    lines[positions[positions < len(lines)]] = True
    return _orient(lines, direction)


def random_mask(
    shape: Shape,
    acceleration: float,
    direction: str = "vertical",
    acs: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Select floor(n / R) lines: the ACS, and the rest drawn uniformly without replacement. R is the true one.

    Raises:
        UserError: the ACS alone has more lines than n / R.
    """
    lines = _acs(shape, acceleration, direction, acs)
    budget, acs = math.floor(len(lines) / acceleration), int(lines.sum())
    if budget < acs:
        raise UserError(
            f"acceleration {acceleration:g} leaves {budget} of {len(lines)} lines, fewer than the {acs} calibration "
            "lines; lower the acceleration or give fewer calibration lines"
        )
    outside = torch.nonzero(~lines).flatten()
    lines[outside[torch.randperm(len(outside), generator=generator)[: budget - acs]]] = True
    return _orient(lines, direction)


def make_mask(
    kind: str,
    shape: Shape,
    acceleration: float,
    direction: str = "vertical",
    generator: torch.Generator | None = None,
    acs: int | None = None,
) -> Tensor:
    """Return a mask by name, one of MASK_KINDS. Masks of points have no direction.

    Raises:
        UserError: unknown kind or direction, or an acceleration that the shape cannot give.
    """
    if kind == "equispaced":
        return equispaced_mask(shape, acceleration, direction, acs)
    if kind == "equispaced-all":
        return equispaced_all_mask(shape, acceleration, direction, acs, generator)
    if kind == "random":
        return random_mask(shape, acceleration, direction, acs, generator)
    if kind == "poisson":
        return poisson_mask(shape, acceleration, acs, generator)
    if kind in POINTS:
        return _points(kind, shape, acceleration, generator, acs)
    raise UserError(f"unknown mask {kind!r}; choose one of {', '.join(MASK_KINDS)}")


POINTS = (
    "uniform",
    "variable-density",
    "radial",
)  # kinds with exactly H W / R points; spokes fill the centre themselves
MASK_KINDS = ("equispaced", "equispaced-all", "random", "poisson", *POINTS)


def effective_acceleration(mask: Tensor, shape: Shape, acquired: Tensor | None = None) -> float:
    """Return points of the grid (of its `acquired` part, where a scan has zero padding) over points sampled.

    >>> round(effective_acceleration(equispaced_mask((384, 384), 4), (384, 384)), 1)
    3.2

    Raises:
        UserError: the mask samples nothing.
    """
    everything = torch.ones(1, 1, dtype=torch.bool) if acquired is None else acquired
    available = everything.expand(shape).to(mask.device)
    sampled = int((mask & available).sum())
    if sampled == 0:
        raise UserError("the mask samples no point of k-space; choose another mask or a lower acceleration")
    return int(available.sum()) / sampled


def calibration_box(mask: Tensor, shape: Shape, most: int = 24) -> Shape:
    """Return the sides of the largest fully sampled box around DC, at most `most` lines: maps are estimated from it.

    Both sides grow in step, so that the box of a point mask stays square as long as it can.
    """

    def full(h: int, w: int) -> bool:
        return bool(centre_crop(mask.expand(shape), (h, w)).all())

    h = w = 0
    grown = True
    while grown:
        grown = False
        if h < min(most, shape[0]) and full(h + 1, max(w, 1)):
            h, grown = h + 1, True
        if w < min(most, shape[1]) and full(max(h, 1), w + 1):
            w, grown = w + 1, True
    return h, w


def calibration_block(mask: Tensor, shape: Shape, most: int = 24) -> tuple[int, int, int, int]:
    """Return the top row, left column, height and width of the fully sampled block to estimate coil maps from.

    It is the `calibration_box` around DC, or a block that reaches farther to one side: calibration lines need not lie
    evenly around DC. Along an axis it takes the place of the box where it is LONGER by a third, or where it has the
    FEWEST_LINES that ESPIRiT needs and the box has not.
    """
    height, width = calibration_box(mask, shape, most)
    top, left = shape[0] // 2 - height // 2, shape[1] // 2 - width // 2
    if 0 in (height, width):
        return top, left, height, width
    sampled = mask.expand(shape)
    top, height = _extended(sampled[:, left : left + width].all(1), top, height, most)
    left, width = _extended(sampled[top : top + height].all(0), left, width, most)
    return top, left, height, width


def _extended(lines: Tensor, start: int, count: int, most: int) -> tuple[int, int]:
    """Return the start and the number of the lines, at most `most`, of the run of True that holds those given."""
    before = int(lines[: start + count].flip(0).long().cumprod(0).sum())  # lines from the end of those given backwards
    after = int(lines[start:].long().cumprod(0).sum())
    first, end = start + count - before, start + after
    run = min(most, end - first)
    if run < LONGER * count and not count < FEWEST_LINES <= run:
        return start, count
    centred = len(lines) // 2 - run // 2
    return min(max(centred, first), end - run), run


def _acs(shape: Shape, acceleration: float, direction: str, acs: int | None) -> Tensor:
    """Select the calibration lines along `direction`, as a bool vector."""
    if direction not in ("vertical", "horizontal"):
        raise UserError(f"unknown direction {direction!r}; choose vertical (columns) or horizontal (rows)")
    n = shape[1] if direction == "vertical" else shape[0]
    check_acceleration(acceleration, n, "lines")
    acs = acs_lines(n, acceleration) if acs is None else acs
    if not 0 <= acs <= n:
        raise UserError(f"{acs} calibration lines are impossible with {n} lines; give a number from 0 to {n}")
    return centre_lines(n, acs)


def _points(kind: str, shape: Shape, acceleration: float, generator: torch.Generator | None, acs: int | None) -> Tensor:
    height, width = shape
    check_acceleration(acceleration, height * width, "points")
    count = math.floor(height * width / acceleration)
    if kind == "radial":
        if acs:
            raise UserError("spokes sample the centre by themselves; leave out the calibration centre of radial masks")
        return radial(shape, count, generator)
    place = uniform_points if kind == "uniform" else variable_density
    return place(shape, count, generator, acs=poisson_acs(shape, acceleration) if acs is None else acs)


def check_acceleration(acceleration: float, n: int, what: str) -> None:
    """Raise UserError for an acceleration that n lines or points cannot give."""
    if not (math.isfinite(acceleration) and 1 <= acceleration <= n):
        raise UserError(f"acceleration {acceleration:g} is impossible with {n} {what}; give a number from 1 to {n}")


def _orient(lines: Tensor, direction: str) -> Tensor:
    return lines[None, :] if direction == "vertical" else lines[:, None]
