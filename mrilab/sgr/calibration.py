"""Bounds with a level: how often do they hold the true volume, and what makes them hold it as often as asked?

A share over heads needs one entry a head: cases of one head (slices, classes, accelerations) are not independent.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from mrilab.errors import UserError


def exchangeable_level(samples: int) -> float:
    """Return how often the truth lies between the least and the largest of K samples of its own distribution.

    The truth is as likely as each sample to be the least of the K + 1, or the largest: (K - 1) / (K + 1), for K = 16
    15/17. It is what repeated reconstruction (RR) would cover if its samples were of the posterior.
    """
    return (samples - 1) / (samples + 1)


def smallest_strength(coverage: Mapping[float, float], target: float = 0.9) -> float | None:
    """Return the smallest strength b that covers the share `target`, or None where no b does: then the grid is short.

    `coverage` is the share of true volumes covered on validation heads, by b.

    Raises:
        UserError: a share that is no number between 0 and 1.
    """
    if not all(0 <= share <= 1 for share in coverage.values()):
        raise UserError(f"a coverage is a share between 0 and 1; got {dict(coverage)}")
    return min((b for b, share in coverage.items() if share >= target), default=None)


def exact_interval(covered: Sequence[bool], level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval (Clopper and Pearson, Biometrika 1934; 26:404) of a coverage, one entry a head."""
    interval = stats.binomtest(int(np.sum(covered)), len(covered)).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def conformal_margin(low: ArrayLike, up: ArrayLike, volume: ArrayLike, level: float = 0.9) -> float:
    """Return by how much, in units of V_up, to widen bounds so that a new head's are right with probability `level`.

    Split-conformal prediction (Romano, Patterson, Candes, "Conformalized quantile regression", NeurIPS 2019), for
    volumes (n,) of calibration heads that are exchangeable with the new one. How far bounds miss is relative to V_up,
    since V_low is 0 for many a lesion. Bounds that are wide enough are not narrowed: the margin is 0 or more.

    The margin is infinite where n < level / (1 - level), 9 heads for 0.9: so few heads say nothing about that level.
    It is infinite, too, where too many have V_up = 0 and a true volume above.
    """
    low, up, volume = (np.asarray(v, dtype=float) for v in (low, up, volume))
    outside = np.maximum(low - volume, volume - up)  # (n,), below 0 for what is inside
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(outside == 0, 0, outside / up)
    return max(0.0, conformal_quantile(scores, level))


def conformal_quantile(scores: ArrayLike, level: float) -> float:
    """Return the ceil((n + 1) level)-th smallest of n scores, which a new one stays below with probability `level`.

    Infinite where that is beyond the largest.

    Raises:
        UserError: a score that is NaN.
    """
    ordered = np.sort(np.asarray(scores, dtype=float))
    if np.isnan(ordered).any():
        raise UserError("a score is not a number; leave out the heads without a volume, and count them")
    rank = math.ceil((len(ordered) + 1) * level - 1e-9)  # 10 * 0.9 may round to above 9
    return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf


def widen(low: ArrayLike, up: ArrayLike, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return volumes (n,) of bounds that are wider by `margin` times V_up on either side, none below 0."""
    low, up = np.asarray(low, dtype=float), np.asarray(up, dtype=float)
    width = up * margin if math.isfinite(margin) else math.inf  # also where V_up = 0
    return np.maximum(low - width, 0), up + width
