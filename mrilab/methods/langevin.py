"""Posterior sampling by annealed Langevin dynamics (Jalal et al., "Robust compressed sensing MRI with deep generative
priors", NeurIPS 2021): Equation 4 as printed, and the variant that the authors' released code runs.

Images are complex (*batch, H, W); real ones serve toys. `score(x, sigma)` is the gradient of log p_sigma with respect
to (Re, Im), as a complex number, for images (samples, *batch, H, W) scaled so that the 0.99 quantile of their
magnitude is about 1, and p_sigma the prior smoothed by noise of standard deviation sigma per real component.
`model` needs `adjoint` and `normal` (which returns a new tensor); a trace needs `forward`, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.training.noise_levels import check_levels

RELEASED_BOUND = 1.05  # on step_lr / sigma_L^2 * weight: beyond it the unit-norm variant diverges on a Gaussian prior

Score = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Step:
    """What a trace gets after each noise level.

    image: (samples, *batch, H, W) on the scale of the data, a copy.
    residual: (samples, *batch), ||A x - y|| / ||y||.
    sigma: the noise level, in units of the data.
    """

    image: Tensor
    residual: Tensor
    sigma: Tensor


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
    levels = _from_start(levels, start)
    if not (noise_std >= 0 and gamma_ratio >= 0 and noise_std + gamma_ratio > 0):
        raise UserError("noise_std and gamma_ratio must not be negative, and not both 0")
    adjoint, q = _scaled(y, model, scale)
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
    return _anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback)


def released_langevin(
    score: Score,
    y: Tensor,
    model,
    levels: Tensor,
    *,
    generator: torch.Generator,
    step_lr: float,
    weight: float = 1.0,
    steps_per_level: int = 3,
    start: float | None = None,
    samples: int = 1,
    denoise: bool = False,
    scale: float | Tensor | None = None,
    progress: Callable[[range], Iterable[int]] = iter,
    callback: Callable[[Step], None] | None = None,
) -> Tensor:
    """The update of the released code, which is not Equation 4. (*batch, coil, H, W) -> (samples, *batch, H, W).

    The data term is `weight` (called mse there) ||f|| A^H (y - A x) / ||A^H (y - A x)||: as long as `weight` scores,
    however well x fits. Norms are per image here; the code takes them over the whole batch, which for one sample is
    the same. Arguments as in `annealed_langevin`.

    Raises:
        UserError: as there; and beyond step_lr / sigma_L^2 * weight = 1.05, where a score that is not bounded makes
            the chain diverge (the released network's score is, by its normalisation layers).
    """
    levels = _from_start(levels, start)
    relative = step_lr / float(levels[-1]) ** 2
    if not (0 < relative < 2 and 0 <= relative * weight <= RELEASED_BOUND):
        raise UserError(
            f"step_lr {step_lr:g} with weight {weight:g} is not stable: step_lr / sigma_L^2 is {relative:.3g} "
            f"(below 2) and times the weight {relative * weight:.3g} (at most {RELEASED_BOUND}); lower one of the two"
        )
    adjoint, q = _scaled(y, model, scale)

    def pull(index: int, x: Tensor, slope: Tensor, eta: float) -> None:
        gradient = model.normal(x).neg_().add_(adjoint)  # (samples, *batch, H, W)
        length = torch.linalg.vector_norm(gradient, dim=(-2, -1), keepdim=True)
        factor = torch.linalg.vector_norm(slope, dim=(-2, -1), keepdim=True).div_(length).mul_(eta * weight)
        x.addcmul_(gradient, torch.where(length > 0, factor, 0).to(x.dtype))

    settings = (levels, step_lr, steps_per_level, samples, denoise)
    return _anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback)


def _from_start(levels: Tensor, start: float | None) -> Tensor:
    levels = check_levels(levels)
    kept = levels if start is None else levels[levels <= start]
    if not len(kept):
        raise UserError(f"no noise level is at or below the start {start:g}; the smallest is {float(levels[-1]):g}")
    return kept


def _scaled(y: Tensor, model, scale: float | Tensor | None) -> tuple[Tensor, Tensor]:
    """A^H y / q, (*batch, H, W), and q, (*batch, 1, 1)."""
    adjoint = model.adjoint(y)
    if scale is None:
        scale = torch.quantile(adjoint.abs().flatten(-2), 0.99, dim=-1)  # (*batch)
    magnitudes = adjoint.abs()
    q = torch.as_tensor(scale, dtype=magnitudes.dtype, device=y.device)[..., None, None]
    if not ((q > 0) & torch.isfinite(q)).all():
        raise UserError("the scale of the data is zero or not finite; check that k-space holds a signal")
    return adjoint / q, q


def _anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback) -> Tensor:
    """The loop that both variants share; `pull` adds the data term to x in place, given the score there."""
    levels, step_lr, steps_per_level, samples, denoise = settings
    if samples < 1 or steps_per_level < 1:
        raise UserError("samples and steps_per_level must be 1 or more")
    smallest = float(levels[-1])
    with torch.inference_mode():
        x = torch.empty((samples, *adjoint.shape), dtype=adjoint.dtype, device=adjoint.device)
        # drawn on the CPU whatever the device, so that a seed means the same noise everywhere
        drawn = torch.empty(x.shape, dtype=x.dtype, pin_memory=x.is_cuda)
        noise = drawn if x.device.type == "cpu" else torch.empty_like(x)
        x.copy_(_redraw(drawn, noise, generator))
        for index in progress(range(len(levels))):
            sigma = float(levels[index])
            eta = step_lr * (sigma / smallest) ** 2
            for _ in range(steps_per_level):
                slope = score(x, sigma)
                pull(index, x, slope, eta)  # before x moves: both terms belong to the same x
                x.add_(slope, alpha=eta)
                x.add_(_redraw(drawn, noise, generator), alpha=math.sqrt(2 * eta))
            _check_finite(x, index, sigma)
            if callback is not None:
                callback(_step(x, y, model, q, sigma))
        if denoise:
            x.add_(score(x, smallest), alpha=smallest**2)
            _check_finite(x, len(levels) - 1, smallest)
    return x * q  # outside, so that the caller gets a tensor without inference mode's restrictions


def _redraw(drawn: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
    (torch.view_as_real(drawn) if drawn.is_complex() else drawn).normal_(generator=generator)
    return noise if noise is drawn else noise.copy_(drawn)


def _step(x: Tensor, y: Tensor, model, q: Tensor, sigma: float) -> Step:
    image = x * q
    batch = x.ndim - 3  # dimensions of y in front of one scan
    misfit = (model.forward(image) - y).flatten(batch + 1).norm(dim=-1)  # (samples, *batch)
    return Step(image, misfit / y.flatten(batch).norm(dim=-1), sigma * q[..., 0, 0])


def _check_finite(x: Tensor, index: int, sigma: float) -> None:
    if not torch.isfinite(x).all():
        raise UserError(
            f"the samples are no longer finite at noise level {index + 1} (sigma {sigma:.3g}); use a smaller step_lr, "
            "and check that the score was trained for this range of levels"
        )
