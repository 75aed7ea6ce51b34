"""The update that Jalal et al. (NeurIPS 2021) released as code in November 2021, which is not their Equation 4."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from mrilab.csgm.annealing import Score, Step, anneal, from_start
from mrilab.errors import UserError
from mrilab.methods.registry import scaled


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
        UserError: as there; and from step_lr / sigma_L^2 (1 + weight) = 2 on, where a score that is not bounded makes
            the chain diverge (the released network's score is, by its normalisation layers).
    """
    levels = from_start(levels, start)
    # Far out the score is about -x / sigma^2, and in measured directions the data term points to -x, too: with
    # r = step_lr / sigma_L^2 a step multiplies x by 1 - r (1 + weight)
    product = step_lr / float(levels[-1]) ** 2 * (1 + weight)
    if not (step_lr > 0 and weight >= 0 and product < 2):
        raise UserError(
            f"step_lr {step_lr:g} with weight {weight:g} is not stable: step_lr / sigma_L^2 times 1 + weight is "
            f"{product:.3g} and must be below 2, neither of them negative; lower one of the two"
        )
    adjoint, q = scaled(y, model, scale)

    def pull(index: int, x: Tensor, slope: Tensor, eta: float) -> None:
        gradient = model.normal(x).neg_().add_(adjoint)  # (samples, *batch, H, W)
        length = torch.linalg.vector_norm(gradient, dim=(-2, -1), keepdim=True)
        factor = torch.linalg.vector_norm(slope, dim=(-2, -1), keepdim=True).div_(length).mul_(eta * weight)
        x.addcmul_(gradient, torch.where(length > 0, factor, 0).to(x.dtype))

    settings = (levels, step_lr, steps_per_level, samples, denoise)
    return anneal(score, y, model, adjoint, q, pull, settings, generator, progress, callback)
