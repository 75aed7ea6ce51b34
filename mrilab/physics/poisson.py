"""Variable-density Poisson-disc sampling of the phase-encoding plane of a 3-D scan."""

import math

import torch
from torch import Tensor

from mrilab.errors import UserError

JITTER = 0.25  # largest relative change of a radius


def poisson_mask(
    shape: tuple[int, int],
    acceleration: float,
    acs: int | None = None,
    generator: torch.Generator | None = None,
    tolerance: float = 0.02,
) -> Tensor:
    """Draw points whose minimum distance grows from the centre outwards, bool (H, W), plus a square ACS.

    Darts are thrown on the grid: points come in random order, and each is kept if no kept point lies within its own
    radius r(k) = min(1, slope) + slope |k|, give or take a quarter. |k| is relative to the half width, and r <= 1 keeps
    every point. `slope` is bisected until the effective acceleration lies within `tolerance` of the nominal one. The
    ACS has the side of the line ACS (8 % of the shorter side, 4 % above R = 6), but at least 16 points, because a point
    mask can afford it. Bridson 2007 for the disc property; density as in Lustig et al. 2007.

    Raises:
        UserError: acceleration below 1 or so high that the ACS alone exceeds the budget.
    """
    height, width = shape
    if not (math.isfinite(acceleration) and 1 <= acceleration <= height * width):
        raise UserError(f"acceleration {acceleration:g} is impossible for {height} x {width} points")
    if acs is None:
        acs = poisson_acs(shape, acceleration)
    acs = min(acs, height, width)
    budget = height * width / acceleration
    if acs * acs > budget:
        raise UserError(
            f"acceleration {acceleration:g} leaves {budget:.0f} points, fewer than the {acs} x {acs} calibration "
            "points; lower the acceleration or give a smaller calibration region"
        )
    if acceleration == 1:
        return torch.ones(shape, dtype=torch.bool)

    order = torch.randperm(height * width, generator=generator).tolist()
    row = (torch.arange(height) - height // 2).abs() / (height / 2)
    column = (torch.arange(width) - width // 2).abs() / (width / 2)
    distance = torch.hypot(row[:, None], column[None, :])  # (H, W), 0 at DC, sqrt(2) in the corners
    # A grid has few distances (1, sqrt 2, 2 ...): without jitter the density would step down at each of them, in rings.
    jitter = 1 + JITTER * (2 * torch.rand(shape, generator=generator) - 1)

    low, high = 0.0, 4.0 * math.sqrt(acceleration)
    mask = torch.ones(shape, dtype=torch.bool)
    for _ in range(20):
        slope = (low + high) / 2
        mask = _throw_darts(order, (min(1.0, slope) + slope * distance) * jitter, acs)
        error = mask.sum().item() / budget - 1
        if abs(error) <= tolerance / 2:
            break
        low, high = (slope, high) if error > 0 else (low, slope)
    return mask


def poisson_acs(shape: tuple[int, int], acceleration: float) -> int:
    """Return the side of the fully sampled square of masks of points, see `poisson_mask`."""
    return max(16, math.floor((0.08 if acceleration <= 6 else 0.04) * min(shape)))


def _throw_darts(order: list[int], radius: Tensor, acs: int) -> Tensor:
    """Keep each point in `order` where no kept point lies inside its radius, and fill the ACS at the end."""
    height, width = radius.shape
    radii = radius.flatten().tolist()
    kept = bytearray(height * width)
    for index in order:
        y, x = divmod(index, width)
        r = radii[index]
        reach = math.ceil(r) - 1
        free = True
        for dy in range(-reach, reach + 1):
            if not 0 <= y + dy < height:
                continue
            half = math.isqrt(max(0, math.ceil(r * r - dy * dy) - 1))  # |dx| with dx^2 + dy^2 < r^2
            start = (y + dy) * width + max(0, x - half)
            if 1 in kept[start : (y + dy) * width + min(width, x + half + 1)]:
                free = False
                break
        if free:
            kept[index] = 1
    mask = torch.frombuffer(kept, dtype=torch.uint8).reshape(height, width).bool()
    top, left = height // 2 - acs // 2, width // 2 - acs // 2
    mask[top : top + acs, left : left + acs] = True
    return mask
