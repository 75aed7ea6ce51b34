"""What the two Langevin samplers share: the levels, the scale of the data and the loop.

Images are complex (*batch, H, W); real ones serve toys. `score(x, sigma)` is the gradient of log p_sigma with respect
to (Re, Im), as a complex number, for images (samples, *batch, H, W) scaled so that the 0.99 quantile of their
magnitude is about 1, and p_sigma the prior smoothed by noise of standard deviation sigma per real component.
`model` needs `adjoint` and `normal` (which returns a new tensor); a trace needs `forward`, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.csgm.levels import check_levels
from mrilab.errors import UserError

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


def from_start(levels: Tensor, start: float | None) -> Tensor:
    levels = check_levels(levels)
    kept = levels if start is None else levels[levels <= start]
    if not len(kept):
        raise UserError(f"no noise level is at or below the start {start:g}; the smallest is {float(levels[-1]):g}")
    return kept


def anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback) -> Tensor:
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
