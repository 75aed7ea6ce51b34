"""Posterior sampling by annealed Langevin dynamics: Equation 4 of Jalal et al., "Robust compressed sensing MRI with
deep generative priors", NeurIPS 2021, as printed. `langevin_released` holds the variant that the authors' code runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import torch
from torch import Tensor

from mrilab.csgm.annealing import Score, Step, anneal, from_start
from mrilab.csgm.levels import geometric_levels
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.machine import Precision
from mrilab.methods.registry import Reconstruction, method, posterior_summary, scaled
from mrilab.physics.scale import quantile_scale

# Chosen once by `mrilab experiment langevin_tuning`, on two validation heads at R = 4, and used for everything.
START, LEVELS, STEPS_PER_LEVEL = 1.2, 80, 2
RELATIVE_STEP = 0.35  # step_lr / sigma_L^2
GAMMA_RATIO = 0.5
PILOT_SHARE = 4  # the pilot has a quarter of the levels, and one sample


@method("langevin")
def langevin(
    y,
    model,
    *,
    generator,
    progress,
    samples: int = 8,
    prior: str = "score-heads",
    levels: int = LEVELS,
    steps_per_level: int = STEPS_PER_LEVEL,
    relative_step: float = RELATIVE_STEP,
    gamma_ratio: float = GAMMA_RATIO,
    start: float = START,
    noise_std: float = 0.0,
    scale: Literal["pilot", "zero-filled"] = "pilot",
    precision: Precision = "auto",
) -> Reconstruction:
    """Posterior samples by annealed Langevin dynamics with a trained score prior; the image is their mean.

    noise_std is that of y per real component, in units of y; 0, as in the released code, trusts the data fully. The
    prior knows images whose 0.99 quantile is 1. That of the zero-filled image, which the paper divides by, is only 0.7
    (R = 4) to 0.6 (R = 8) of the true one on our heads, so a short chain of one sample finds the unit out first.
    """
    score = ScorePrior(prior, y.device, precision)
    settings = {
        "generator": generator,
        "step_lr": relative_step * score.sigma_min**2,
        "noise_std": noise_std,
        "gamma_ratio": gamma_ratio,
        "steps_per_level": steps_per_level,
    }
    unit = None
    if scale == "pilot":
        few = geometric_levels(start, score.sigma_min, max(2, levels // PILOT_SHARE))
        unit = quantile_scale(annealed_langevin(score, y, model, few, **settings))[0, 0, 0]
    schedule = geometric_levels(start, score.sigma_min, levels)
    drawn = annealed_langevin(score, y, model, schedule, samples=samples, scale=unit, progress=progress, **settings)
    return posterior_summary(drawn)  # drawn: (samples, H, W)


def annealed_langevin(
    score: Score,
    y: Tensor,
    model,
    levels: Tensor,
    *,
    generator: torch.Generator,
    step_lr: float,
    noise_std: float = 0.0,
    gamma_ratio: float = 1.0,
    steps_per_level: int = 3,
    start: float | None = None,
    samples: int = 1,
    denoise: bool = True,
    scale: float | Tensor | None = None,
    progress: Callable[[range], Iterable[int]] = iter,
    callback: Callable[[Step], None] | None = None,
) -> Tensor:
    """Samples of p(x | y) by Equation 4. (*batch, coil, H, W) -> (samples, *batch, H, W).

    x <- x + eta_t ( f(x; sigma_t) + A^H (y - A x) / (gamma_t^2 + noise_std^2) ) + sqrt(2 eta_t) zeta

    with eta_t = step_lr (sigma_t / sigma_L)^2, gamma_t = gamma_ratio sigma_t and zeta ~ N(0, 1) per real component.
    Without the final step the chain ends near the posterior under the prior smoothed by sigma_L, for data of variance
    noise_std^2 + gamma_L^2. What is left: a step eta makes the variance in a direction of posterior precision P too
    large by 1 / (1 - eta P / 2), and directions that the data barely determines relax slowly, which more steps cure.

    Args:
        levels: (L,) sigma_1 > ... > sigma_L, in units of the scale.
        noise_std: of y per real component, in units of y.
        start: skip the levels above this one (about 1.2 in the released code). The chain starts from N(0, 1) per real
            component, so the levels must then still be above the spread of what y leaves open.
        samples: chains that run as one batch.
        denoise: end with x + sigma_L^2 f(x; sigma_L), the mean of the clean image given x (Tweedie).
        scale: the unit of the score in units of y, a number or (*batch); by default the 0.99 quantile of |A^H y|.
        callback: called with a `Step` after each level.

    Raises:
        UserError: levels that do not fall, a step that diverges for any prior, or values that are no longer finite.
    """
    levels = from_start(levels, start)
    if not (noise_std >= 0 and gamma_ratio >= 0 and noise_std + gamma_ratio > 0):
        raise UserError("noise_std and gamma_ratio must not be negative, and not both 0")
    adjoint, q = scaled(y, model, scale)
    variance = [(gamma_ratio * sigma) ** 2 + (noise_std / q) ** 2 for sigma in levels.tolist()]  # (*batch, 1, 1) each
    # the score's slope is at least -1 / sigma^2 for every prior, and the norm of A is at most 1
    relative = step_lr / float(levels[-1]) ** 2
    largest = relative * (1 + max(float((s**2 / v).max()) for s, v in zip(levels.tolist(), variance, strict=True)))
    if not 0 < largest < 2:
        raise UserError(
            f"step_lr {step_lr:g} is not possible for these levels: the step times the curvature is {largest:.3g} and "
            "must be between 0 and 2; use a smaller step_lr or a larger gamma_ratio"
        )

    def pull(index: int, x: Tensor, slope: Tensor, eta: float) -> None:
        weight = (eta / variance[index]).to(x.dtype)  # (*batch, 1, 1)
        x.addcmul_(model.normal(x), weight, value=-1).addcmul_(adjoint, weight)

    settings = (levels, step_lr, steps_per_level, samples, denoise)
    return anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback)
