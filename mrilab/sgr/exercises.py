"""Lesson 4, guided reconstruction: solutions and typical mistakes; `EXERCISES` stands at the end."""

import torch
from torch import Tensor

from mrilab.sgr.volume import volume
from mrilab.teach.exercises import Exercise, Mistake


def masked_up(p: Tensor, c: int) -> Tensor:
    """Return L-up over the pixels that do not belong to class `c` yet, (classes, H, W) -> number."""
    others = torch.cat([p[:c], p[c + 1 :]]).amax(0)
    return -(~(p[c] > others) * torch.log(1 - p[c])).sum()


def gamma(gradient: Tensor, eps: Tensor, b: float) -> Tensor:
    """Return the step length (14) of one image, gradient and eps (H, W) -> number."""
    return torch.clamp(b * eps.norm() / gradient.norm(), max=1.0)


def disarming_eta(abar: float, before: float) -> float:
    """Return eta at which (6) does not use epsilon any more."""
    return ((1 - abar) / (1 - abar / before)) ** 0.5


def largest(score: Tensor, n: int) -> Tensor:
    """Return the `n` pixels of the largest score as bool (H, W)."""
    mask = torch.zeros(score.numel(), dtype=torch.bool)
    mask[score.flatten().argsort(descending=True)[:n]] = True
    return mask.reshape(score.shape)


def _probabilities(seed: int, classes: int = 3) -> Tensor:
    """Return probabilities (classes, 4, 5), with a tie in the first pixel and a clear case in the last."""
    generator = torch.Generator().manual_seed(seed)
    p = torch.randn(classes, 4, 5, dtype=torch.float64, generator=generator).mul(1.5).softmax(0)
    p[:, 0, 0] = 1 / classes
    p[:, -1, -1] = torch.tensor([0.1 / (classes - 1)] * (classes - 1) + [0.9], dtype=torch.float64)
    return p


def _normal(seed: int, size: float) -> Tensor:
    return size * torch.randn(6, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


P, Q = _probabilities(1), _probabilities(2, classes=4)

EXERCISES = {
    "volume": Exercise(
        lambda p, c, voxel: volume(p[None], c, voxel)[0],
        "strictly larger than all the others: where two classes tie, neither has the pixel.",
        {
            "ties": Mistake(
                lambda p, c, voxel: (p[c] >= p.amax(0)).sum() * voxel,
                "a tie does not count: where two classes are equal, (8) gives the pixel to neither.",
            ),
            "half": Mistake(
                lambda p, c, voxel: (p[c] > 0.5).sum() * voxel,
                "with three classes 0.4 can be the largest; compare with the others, not with one half.",
            ),
            "soft": Mistake(
                lambda p, c, voxel: p[c].sum() * voxel,
                "that adds up probabilities; (8) asks for a decision in every pixel first.",
            ),
            "pixels": Mistake(
                lambda p, c, voxel: volume(p[None], c)[0], "that is the number of pixels; multiply by their volume."
            ),
        },
        cases=[(P, 1, 0.01), (P, 2, 0.5), (Q, 0, 0.02)],
    ),
    "mask": Exercise(
        masked_up,
        "pixels that have the class already push no more, and the budget goes to those that can still change.",
        {
            "no-mask": Mistake(
                lambda p, c: -torch.log(1 - p[c]).sum(),
                "without the mask, pixels that belong to the class already have the largest share of the loss.",
            ),
            "turned-round": Mistake(
                lambda p, c: -torch.log(1 - p[c]).sum() - masked_up(p, c),
                "that keeps the pixels of the class and drops the others: (12) has 1 - I_c for the upper bound.",
            ),
            "wrong-loss": Mistake(
                lambda p, c: -(~(p[c] > torch.cat([p[:c], p[c + 1 :]]).amax(0)) * torch.log(p[c])).sum(),
                "log p grows where the class is absent; the upper bound has log(1 - p), (10).",
            ),
            "ties": Mistake(
                lambda p, c: -((p[c] < p.amax(0)) * torch.log(1 - p[c])).sum(),
                "a pixel with a tie does not belong to the class, (8), so it is still to be won: keep it in the loss.",
            ),
            "mean": Mistake(lambda p, c: masked_up(p, c) / p[c].numel(), "(9) is a sum over pixels, not a mean."),
        },
        cases=[(P, 0), (P, 2), (Q, 3)],
    ),
    "sign": Exercise(
        "c",
        "(4) subtracts epsilon, so there the push has the other sign, and it is the larger of the two: sigma_t against "
        "at most sigma_(t-1). The bounds change places.",
        {
            "a": Mistake("a", "look at the sign of epsilon in (4), and at that in (6)."),
            "b": Mistake("b", "the two have different signs, but not the same size: compare sigma_t with sigma_(t-1)."),
        },
    ),
    "cap": Exercise(
        gamma,
        "a cap and not a scale: a gradient that is small already is used as it is.",
        {
            "always": Mistake(
                lambda g, e, b: b * e.norm() / g.norm(), "this also enlarges a small gradient; (14) has two cases."
            ),
            "the-length": Mistake(
                lambda g, e, b: torch.minimum(b * e.norm(), g.norm()),
                "that is the length of the push; gamma is what the gradient is multiplied with.",
            ),
            "no-b": Mistake(
                lambda g, e, b: torch.clamp(e.norm() / g.norm(), max=1.0), "the cap is b times the norm of epsilon."
            ),
            "upside-down": Mistake(
                lambda g, e, b: torch.clamp(g.norm() / (b * e.norm()), max=1.0), "turn the fraction round."
            ),
        },
        cases=[(_normal(1, 0.01), _normal(2, 1.0), 0.1), (_normal(3, 5.0), _normal(4, 1.0), 0.02)],
    ),
    "disarm": Exercise(
        disarming_eta,
        "above 1 for DDIM's beta-tilde, so no eta that is allowed disarms it; with DDS's constant split it is 1.",
        {
            "squared": Mistake(
                lambda abar, before: (1 - abar) / (1 - abar / before), "that is eta squared; take the root."
            ),
            "constant": Mistake(
                lambda abar, before: 1.0,
                "so it is with DDS's constant split; put DDIM's beta-tilde into 1 - abar - eta^2 beta^2 = 0.",
            ),
            "one-over-beta": Mistake(
                lambda abar, before: 1 / ((1 - before) / (1 - abar) * (1 - abar / before)) ** 0.5,
                "what eta^2 beta^2 must reach is 1 - abar_(t-1), not 1.",
            ),
            "upside-down": Mistake(
                lambda abar, before: ((1 - abar / before) / (1 - abar)) ** 0.5, "turn the fraction round."
            ),
        },
        cases=[(0.5, 0.7), (0.9, 0.95), (0.999, 0.9995)],
    ),
    "threshold": Exercise(
        largest,
        "two lines, no gradient, and exactly the volume that was asked for.",
        {
            "half": Mistake(lambda score, n: score > 0.5, "one half gives a volume of its own; take the n best."),
            "lowest": Mistake(
                lambda score, n: largest(-score, n), "these are the n least likely pixels; sort the other way round."
            ),
            "ranks": Mistake(
                lambda score, n: score.flatten().argsort(descending=True).reshape(score.shape) < n,
                "argsort says which pixel comes first, not at which place a pixel comes; set mask[order[:n]] = True.",
            ),
            "rest": Mistake(lambda score, n: ~largest(score, n), "that is all but the n best."),
        },
        cases=[(P[1], 7), (P[2], 3), (Q[0], 12)],
    ),
    "attack": Exercise(
        "b",
        "anatomy is what any reader would see. A second network is a reader who was not asked during guidance.",
        {
            "a": Mistake("a", "an attack of small norm fits the data as well: the null space of A has room for both."),
            "c": Mistake("c", "PSNR hardly moves in either case, because both pushes are small."),
        },
    ),
}
