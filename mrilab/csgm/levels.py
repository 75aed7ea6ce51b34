"""Noise levels of a score prior, by the rules of Song and Ermon, "Improved techniques for training score-based
generative models" (NeurIPS 2020). Every sigma is per real component: a complex image of N pixels has dimension 2 N.
"""

import math

import torch
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr
from torch import Tensor

from mrilab.errors import UserError


def largest_distance(images: Tensor) -> float:
    """Return the largest Euclidean distance between two of the images (n, H, W): technique 1's largest noise.

    Raises:
        UserError: fewer than two images.
    """
    if len(images) < 2:
        raise UserError("the largest distance needs at least two images")
    vectors = (torch.view_as_real(images) if images.is_complex() else images).flatten(1)  # (n, D)
    return float(torch.pdist(vectors).max())  # (n (n - 1) / 2,) -> ()


def level_ratio(dimension: int) -> float:
    """Return sigma_t / sigma_(t+1) > 1 such that a radius drawn at one level is plausible at the next: technique 2.

    The ratio gamma solves Phi(sqrt(2 D) (gamma - 1) + 3 gamma) - Phi(sqrt(2 D) (gamma - 1) - 3 gamma) = 0.5 (8) for
    dimension D. The first term is 1 to six digits, so 1 / gamma = 1 - 3 / sqrt(2 D).

    Raises:
        UserError: fewer than 5 dimensions, where neighbours overlap by more than half however far apart they are.
    """
    width = math.sqrt(2 * dimension)
    if width <= 3:
        raise UserError(f"technique 2 has no answer in {dimension} dimensions; give the number of levels instead")

    def excess(gamma: float) -> float:
        middle = width * (gamma - 1)
        return ndtr(middle + 3 * gamma) - ndtr(middle - 3 * gamma) - 0.5

    return brentq(excess, 1, 2 * width / (width - 3), xtol=1e-14)


def geometric_levels(sigma_max: float, sigma_min: float, count: int) -> Tensor:
    """Return `count` levels from sigma_max down to sigma_min by a constant ratio, (count,) float64.

    >>> [round(level, 6) for level in geometric_levels(1.0, 0.01, 3).tolist()]
    [1.0, 0.1, 0.01]

    Raises:
        UserError: fewer than two levels, or ends that are not positive, finite and in this order.
    """
    if not (0 < sigma_min < sigma_max < math.inf and count >= 2):
        raise UserError(f"no {count} levels lead from {sigma_max:g} down to {sigma_min:g}; give 2 or more, above 0")
    return torch.logspace(math.log(sigma_max), math.log(sigma_min), count, base=math.e, dtype=torch.float64)


def level_count(sigma_max: float, sigma_min: float, ratio: float) -> int:
    """Return how many levels lead from sigma_max down to sigma_min when neighbours differ by about `ratio` > 1."""
    return round(math.log(sigma_max / sigma_min) / math.log(ratio)) + 1


def relative_step(ratio: float, steps_per_level: int) -> float:
    """Return the step_lr / sigma_L^2 that leaves the least surplus variance after T steps on a new level: technique 4.

    In units of sigma^2, a point mass smoothed by sigma starts with the variance gamma^2 of the level above. T steps of
    size r (9) take it to (1 - r)^(2 T) (gamma^2 - c) + c, with the limit c = 1 / (1 - r / 2) (11). That never reaches
    1, so "close to 1" means its minimum over r.

    Raises:
        UserError: a ratio that is not above 1, or no step.
    """
    if not ratio > 1 or steps_per_level < 1:
        raise UserError("technique 4 needs a ratio of levels above 1 and at least one step per level")

    def surplus(r: float) -> float:
        limit = 1 / (1 - r / 2)
        return (1 - r) ** (2 * steps_per_level) * (ratio**2 - limit) + limit - 1

    return float(minimize_scalar(surplus, bounds=(0, 1), method="bounded", options={"xatol": 1e-10}).x)


def check_levels(levels: Tensor) -> Tensor:
    """Return the levels (L,) as they are. Raises UserError unless they are positive, finite and strictly decreasing."""
    positive = levels.ndim == 1 and len(levels) > 0 and torch.isfinite(levels).all() and (levels > 0).all()
    if not positive or not (levels.diff() < 0).all():
        raise UserError("noise levels must be a row of positive numbers, from the largest to the smallest")
    return levels
