"""Lesson 5, where to sample: solutions and typical mistakes; `EXERCISES` stands at the end."""

import math

import torch
from torch import Tensor

from mrilab.infomri.draw import SLOPE
from mrilab.infomri.normalisation import rescale
from mrilab.physics.pairs import own_partner, partners
from mrilab.physics.pairs import redundancy as share_of_pairs
from mrilab.teach.exercises import Exercise, Mistake


def rescaled(p: Tensor, r: float) -> Tensor:
    """Return probabilities (N) brought to the mean r by (9)."""
    return rescale(torch.logit(p)[None], torch.tensor([r], dtype=p.dtype))[0]


def pair_entropy(s_real: float, s_imaginary: float, sigma: float) -> float:
    """Return the entropy in nats of the samples of a point and its partner, for standard deviations of their parts."""
    noise = sigma**2
    return 2 * math.log(2 * math.pi * math.e) + math.log(noise) + _half_logs(s_real, s_imaginary, 2, noise)


def _half_logs(s_real: float, s_imaginary: float, times: int, noise: float) -> float:
    """Return half the logarithm of both parts' variances, the signal counted so many times."""
    return math.log((times * s_real**2 + noise) * (times * s_imaginary**2 + noise)) / 2


def slope(p: Tensor, u: Tensor) -> Tensor:
    """Return what stands for d m / d p in (12): the slope of sigmoid(10 (p - u))."""
    s = torch.sigmoid(SLOPE * (p - u))
    return SLOPE * s * (1 - s)


def redundant(mask: Tensor) -> float:
    """Return the redundancy (6) of a mask, bool (H, W)."""
    return share_of_pairs(mask, (mask.shape[0], mask.shape[1]))


def best_variance(errors: Tensor) -> Tensor:
    """Return the one variance that minimises (14) for these errors."""
    return errors.square().mean()


def _mask(seed: int, shape: tuple[int, int]) -> Tensor:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4
    mask[shape[0] // 2, shape[1] // 2] = True  # DC, which is its own partner
    mask[0, 0] = True  # the corner, which is one as well where both sides are even
    return mask


def _uniform(seed: int, n: int) -> Tensor:
    return torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _pairs_with_dc(mask: Tensor) -> float:
    return float((mask & partners(mask)).sum() / mask.sum())


P, U = 0.02 + 0.9 * _uniform(1, 9), _uniform(2, 9)
EXERCISES = {
    "rescale": Exercise(
        rescaled,
        "below the mean all probabilities shrink by one factor, above it all gaps to 1 do. None overtakes another.",
        {
            "one-branch": Mistake(
                lambda p, r: p * r / p.mean(),
                "where r is above the mean this can exceed 1; there the gaps 1 - p are scaled instead.",
            ),
            "clipped": Mistake(
                lambda p, r: (p * r / p.mean()).clamp(max=1), "clipping moves the mean again; (9) has two cases."
            ),
            "other-branch": Mistake(
                lambda p, r: 1 - (1 - r) / (1 - p.mean()) * (1 - p),
                "where r is below the mean this can be negative; there p itself is scaled.",
            ),
        },
        cases=[(P, 0.1), (P, 0.8), (P[:5], 0.3)],
    ),
    "pair": Exercise(
        pair_entropy,
        "the two real parts share one signal: their covariance has the eigenvalues sigma^2 and 2 s^2 + sigma^2.",
        {
            "independent": Mistake(
                lambda a, b, s: 2 * math.log(2 * math.pi * math.e) + 2 * _half_logs(a, b, 1, s**2),
                "these are two independent samples; the partner's signal is the same number, up to a sign.",
            ),
            "one-sample": Mistake(
                lambda a, b, s: math.log(2 * math.pi * math.e) + _half_logs(a, b, 1, s**2),
                "that is the entropy of one of the two samples.",
            ),
            "no-noise": Mistake(
                lambda a, b, s: 2 * math.log(2 * math.pi * math.e) + _half_logs(a, b, 2, s**2),
                "each part has two eigenvalues, and one of them is sigma^2: its logarithm is missing.",
            ),
        },
        cases=[(1.3, 0.7, 0.2), (0.1, 0.4, 0.05), (2.0, 2.0, 1.0)],
    ),
    "coils": Exercise(
        "c",
        "one coil: neighbours tell nothing of each other, so the strongest lines win. Four coils see the neighbours of "
        "each line as well, and a line between two sampled ones tells little that is new.",
        {
            "a": Mistake("a", "with four coils, what does a line tell that its neighbour has not told already?"),
            "b": Mistake("b", "with one coil the lines are independent: which six have the largest variance?"),
        },
    ),
    "straight-through": Exercise(
        slope,
        "largest where p and u nearly meet, which is where a small change of p would change the mask.",
        {
            "identity": Mistake(lambda p, u: torch.ones_like(p), "that is the identity; take a sigmoid of slope 10."),
            "no-slope": Mistake(
                lambda p, u: slope(p, u) / SLOPE, "the inner derivative is missing: d / dp of 10 (p - u) is 10."
            ),
            "value": Mistake(lambda p, u: torch.sigmoid(SLOPE * (p - u)), "that is the sigmoid itself, not its slope."),
            "plain": Mistake(
                lambda p, u: torch.sigmoid(p - u) * (1 - torch.sigmoid(p - u)), "the argument is 10 (p - u)."
            ),
        },
        cases=[(P, U), (U, P)],
    ),
    "redundancy": Exercise(
        redundant,
        "a point that is its own partner cannot be measured twice, so it counts neither above nor below.",
        {
            "with-dc": Mistake(
                _pairs_with_dc, "DC is its own partner: mirrored onto itself it is no pair. Leave such points out."
            ),
            "only-above": Mistake(
                lambda m: float((m & partners(m) & ~own_partner((*m.shape,))).sum() / m.sum()),
                "points that are their own partner are still counted in the denominator.",
            ),
            "pairs": Mistake(
                lambda m: redundant(m) / 2, "(6) counts samples, and a pair has two of them, not one."
            ),
        },
        cases=[(_mask(1, (6, 8)),), (_mask(2, (7, 5)),), (_mask(3, (8, 8)),)],
    ),
    "variance": Exercise(
        best_variance,
        "the likelihood is highest where the variance is the mean squared error: so it can be read as an error bar.",
        {
            "deviation": Mistake(lambda e: e.square().mean().sqrt(), "that is the deviation; (14) has its square."),
            "absolute": Mistake(lambda e: e.abs().mean() ** 2, "square first, then take the mean."),
            "about-the-mean": Mistake(
                lambda e: e.var(correction=0), "(14) has (x - mu)^2: a bias counts, do not subtract it."
            ),
            "twice": Mistake(lambda e: 2 * e.square().mean(), "set the derivative of e^2 / 2 v + log(v) / 2 to 0."),
        },
        cases=[(U,), (3 * P - 1,), (_uniform(5, 40),)],
    ),
}  # fmt: skip
