"""Posterior sampling by annealed Langevin dynamics: Equation 4 of Jalal et al., "Robust compressed sensing MRI with
deep generative priors", NeurIPS 2021, as printed. Their released code runs another update, which lesson 2 writes out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from mrilab.csgm.levels import check_levels
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.machine import Precision
from mrilab.methods.registry import Progress, Reconstruction, method, scaled
from mrilab.physics import SenseModel
from mrilab.physics.acquisition import LinearModel

# `mrilab experiment langevin_tuning` chose these once, on two validation heads at R = 4. They serve everything.
START = 1.2  # largest noise level, in units of the image's 0.99 quantile
LEVELS = 80  # number of noise levels
STEPS_PER_LEVEL = 2  # number of steps on each noise level
RELATIVE_STEP = 0.35  # step size at the last level over its variance, step_lr / sigma_L^2
GAMMA_RATIO = 0.5  # softening of the data term over the noise level, gamma_t / sigma_t

Score = Callable[[Tensor, float], Tensor]  # (x, sigma) -> gradient of log p_sigma in (Re, Im), as a complex image


@dataclass(frozen=True)
class Step:
    """The state of the chains after one noise level.

    image: (samples, *batch, H, W) on the scale of the data, a copy.
    residual: (samples, *batch), ||A x - y|| / ||y||.
    sigma: (*batch), the noise level in units of the data.
    """

    image: Tensor
    residual: Tensor
    sigma: Tensor


@method("langevin")
def langevin(
    y: Tensor,
    model: SenseModel,
    *,
    generator: torch.Generator,
    progress: Progress,
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
    """Draw posterior samples by annealed Langevin dynamics with a trained score prior; the image is their mean.

    noise_std is the noise of y per real component, in units of y; 0, as in the released code, trusts the data fully.
    The paper divides by the 0.99 quantile of the zero-filled image. Here a short chain finds a better unit first.
    """
    score = ScorePrior(prior, y.device, precision)
    step_lr = relative_step * score.sigma_min**2
    chain = partial(annealed_langevin, score, y, model, generator=generator, steps_per_level=steps_per_level)
    chain = partial(chain, step_lr=step_lr, noise_std=noise_std, gamma_ratio=gamma_ratio)
    return score.draw(chain, start, levels, samples, scale, progress)


def annealed_langevin(
    score: Score,
    y: Tensor,
    model: LinearModel,
    levels: Tensor,
    *,
    generator: torch.Generator,
    step_lr: float,
    noise_std: float = 0.0,
    gamma_ratio: float = 1.0,
    steps_per_level: int = 3,
    samples: int = 1,
    denoise: bool = True,
    scale: float | Tensor | None = None,
    progress: Progress = iter,
    callback: Callable[[Step], None] | None = None,
) -> Tensor:
    """Draw samples of p(x | y) by Equation 4 of the paper. (*batch, coil, H, W) -> (samples, *batch, H, W).

    x <- x + eta_t ( f(x; sigma_t) + A^H (y - A x) / (gamma_t^2 + noise_std^2) ) + sqrt(2 eta_t) zeta

    with eta_t = step_lr (sigma_t / sigma_L)^2, gamma_t = gamma_ratio sigma_t and zeta ~ N(0, 1) per real component.
    Without the final step the chain ends near the posterior under the prior smoothed by sigma_L, for data of variance
    noise_std^2 + gamma_L^2. Two errors are left. A step eta makes the variance in a direction of posterior precision P
    too large by 1 / (1 - eta P / 2). Directions that the data barely determines relax slowly, which more steps cure.

    Args:
        score: takes images (samples, *batch, H, W) in units of `scale`; complex, or real for toys.
        model: the forward model A, of norm at most 1; its `normal` returns a new tensor.
        levels: (L,) sigma_1 > ... > sigma_L per real component, in units of `scale`. The chain starts from N(0, 1), so
            sigma_1 must be above the spread of what y leaves open. The released code starts at about 1.2.
        step_lr: step at the last level, in units of `scale` squared.
        noise_std: noise of y per real component, in units of y.
        samples: number of chains that run as one batch.
        denoise: whether to end with x + sigma_L^2 f(x; sigma_L), the mean of the clean image given x (Tweedie).
        scale: unit of the score in units of y, a number or (*batch); by default the 0.99 quantile of |A^H y|.
        callback: called with a `Step` after each level.

    Raises:
        UserError: levels that do not fall, a step that diverges for any prior, or values that are no longer finite.
    """
    sigmas = check_levels(levels).tolist()
    if samples < 1 or steps_per_level < 1:
        raise UserError("samples and steps_per_level must be 1 or more")
    if not (noise_std >= 0 and gamma_ratio >= 0 and noise_std + gamma_ratio > 0):
        raise UserError("noise_std and gamma_ratio must not be negative, and not both 0")
    adjoint, q = scaled(y, model, scale)
    variances = [(gamma_ratio * sigma) ** 2 + (noise_std / q) ** 2 for sigma in sigmas]  # (*batch, 1, 1) each
    # the score's slope is at least -1 / sigma^2 for every prior, and the norm of A is at most 1
    relative = step_lr / sigmas[-1] ** 2
    largest = relative * (1 + max(float((sigma**2 / v).max()) for sigma, v in zip(sigmas, variances, strict=True)))
    if not 0 < largest < 2:
        raise UserError(
            f"step_lr {step_lr:g} is not possible for these levels: the step times the curvature is {largest:.3g} and "
            "must be between 0 and 2; use a smaller step_lr or a larger gamma_ratio"
        )
    with torch.inference_mode():
        # noise is drawn on the CPU whatever the device, so that a seed means the same noise everywhere
        drawn = torch.empty((samples, *adjoint.shape), dtype=adjoint.dtype, pin_memory=adjoint.is_cuda)
        x = _redraw(drawn, generator).to(adjoint, copy=True)
        for index, (sigma, variance) in enumerate(progress(list(zip(sigmas, variances, strict=True))), start=1):
            eta = step_lr * (sigma / sigmas[-1]) ** 2
            weight = (eta / variance).to(x.dtype)  # (*batch, 1, 1)
            for _ in range(steps_per_level):
                slope = score(x, sigma)
                x.addcmul_(model.normal(x), weight, value=-1).addcmul_(adjoint, weight)
                x.add_(slope, alpha=eta)  # the score of x before the data term moved it
                x.add_(_redraw(drawn, generator).to(x.device), alpha=math.sqrt(2 * eta))
            _check_finite(x, index, sigma)
            if callback is not None:
                image = x * q
                batch = x.ndim - 3  # number of dimensions of y in front of one scan
                misfit = (model.forward(image) - y).flatten(batch + 1).norm(dim=-1)  # (samples, *batch)
                callback(Step(image, misfit / y.flatten(batch).norm(dim=-1), sigma * q[..., 0, 0]))
        if denoise:
            x.add_(score(x, sigmas[-1]), alpha=sigmas[-1] ** 2)
            _check_finite(x, len(sigmas), sigmas[-1])
    return x * q  # outside, so that the caller gets a tensor without inference mode's restrictions


def _redraw(drawn: Tensor, generator: torch.Generator) -> Tensor:
    """Fill `drawn`, on the CPU, with unit noise per real component."""
    (torch.view_as_real(drawn) if drawn.is_complex() else drawn).normal_(generator=generator)
    return drawn


def _check_finite(x: Tensor, level: int, sigma: float) -> None:
    if not torch.isfinite(x).all():
        raise UserError(
            f"the samples are no longer finite at noise level {level} (sigma {sigma:.3g}); use a smaller step_lr, "
            "and check that the score was trained for this range of levels"
        )
