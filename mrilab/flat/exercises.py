"""Lesson 3, unrolled networks as flows: solutions and typical mistakes; `EXERCISES` stands at the end."""

import torch
from torch import Tensor

from mrilab.teach.exercises import Exercise, Mistake


def shares(t: Tensor) -> Tensor:
    """Return lambda_k = 1 - t_{k+1} / t_k, (K,)."""
    return 1 - t[1:] / t[:-1]


def trust(rho: float, sigma: float) -> float:
    """Return gamma = rho^2 / (rho^2 + sigma^2)."""
    return rho**2 / (rho**2 + sigma**2)


def predicted_errors(t: Tensor, floor: float, away: float) -> Tensor:
    """Return the errors that the law (10) predicts, floor + t^2 away, (K + 1,)."""
    return floor + t**2 * away


def _times(K: int, alpha: float) -> Tensor:
    return (1 - torch.arange(K + 1, dtype=torch.float64) / K) ** (1 + alpha)


EXERCISES = {
    "shares": Exercise(
        shares,
        "relative to the time that is left, so the last step goes all the way.",
        {
            "absolute": Mistake(
                lambda t: t[:-1] - t[1:], "that is |delta_k|; the share is of the time that is left: divide by t_k."
            ),
            "by-the-next": Mistake(
                lambda t: (t[:-1] - t[1:]) / t[1:].clamp(min=1e-3),
                "divide by the time where the step begins; the last one ends at 0.",
            ),
            "what-stays": Mistake(lambda t: t[1:] / t[:-1], "that is what stays of x^k; lambda_k is the rest."),
        },
        cases=[(_times(4, 0.0),), (_times(12, 1.0),), (_times(5, 3.0),)],
    ),
    "trust": Exercise(
        trust,
        "clean data are trusted fully, and a denoised image that is exact leaves nothing for them to correct.",
        {
            "turned-round": Mistake(
                lambda r, s: s**2 / (r**2 + s**2), "this trusts noisy data most: large noise must give a small gamma."
            ),
            "not-squared": Mistake(lambda r, s: r / (r + s), "variances are weighed, not deviations: square both."),
            "ratio": Mistake(lambda r, s: r**2 / s**2, "this can exceed 1; add rho^2 to the denominator."),
        },
        cases=[(0.3, 0.1), (0.02, 0.2), (1.0, 1.0)],
    ),
    "half-way": Exercise(
        "b",
        "on the path the state still holds t of A^H y, on purpose. Alignment buys steadiness, not an early image.",
        {
            "a": Mistake("a", "half-way on the path the state is a mix of image and A^H y; the other one need not be."),
            "c": Mistake("c", "their optima differ: (1 - t) E[x_0|y] + t A^H y against E[x_0|y] at every cascade."),
        },
    ),
    "law": Exercise(
        predicted_errors,
        "no cascade can be worse than the one before, and none can go below the floor.",
        {
            "not-squared": Mistake(
                lambda t, f, a: f + t * a, "the distance from the mean shrinks with t, its square with t squared."
            ),
            "no-floor": Mistake(
                lambda t, f, a: t**2 * a, "the last state has an error too: what y leaves open, at every cascade."
            ),
            "mixture": Mistake(
                lambda t, f, a: (1 - t) * f + t * a, "squared errors do not mix like states: floor + t^2 away."
            ),
            "both": Mistake(
                lambda t, f, a: (1 - t) ** 2 * f + t**2 * a,
                "(1 - t) shrinks the mean, not x_0: what y leaves open stays whole.",
            ),
        },
        cases=[(_times(4, 0.0), 0.2, 3.0), (_times(12, 1.0), 0.01, 0.5)],
    ),
    "other-k": Exercise(
        "a",
        "on the ray every grid has the same states, and the time tells the network which one it is at.",
        {
            "b": Mistake("b", "the ray has no discretisation error that more steps could remove."),
            "c": Mistake("c", "its states lie on the same ray, at times in between those of training."),
        },
    ),
}
