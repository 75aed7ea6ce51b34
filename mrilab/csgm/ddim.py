"""Few-step sampling with lesson 2's prior: the conditional flow of added noise, as DDIM and DDS follow it.

The path is x_sigma = x_0 + sigma n, noise instead of the degraded image of lesson 3. The same split gives the
conditional mean from the denoised image: equation (3.6), with data consistency by conjugate gradients. The sources are
Song, Meng, Ermon, "Denoising diffusion implicit models" (ICLR 2021), in the variables of Karras et al. (NeurIPS 2022),
and Chung, Lee, Ye, "Decomposed diffusion sampler" (ICLR 2024), which draws a share of the noise anew in each step.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from mrilab.csgm.levels import check_levels
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.machine import Precision
from mrilab.methods.registry import Progress, Reconstruction, method, scaled
from mrilab.nets.consistency import consistent
from mrilab.physics import SenseModel
from mrilab.physics.noise import complex_noise

START = 1.2  # largest noise level, in units of the image's 0.99 quantile
STEPS = 24  # number of steps, each with one network call
# `mrilab experiment ddim_tuning` chose these three, on two validation heads at R = 4 and 8. They serve everything.
ITERATIONS = 5  # number of conjugate-gradient iterations a step
ETA = 1.0  # share of the noise's standard deviation that each step draws anew
RELATIVE_NOISE = 0.005  # noise of y per real component over the image's 0.99 quantile

Denoise = Callable[[Tensor, float], Tensor]  # (x, sigma) -> E[x_0 | x_sigma = x]


@method("ddim")
def ddim(
    y: Tensor,
    model: SenseModel,
    *,
    generator: torch.Generator,
    progress: Progress,
    samples: int = 8,
    prior: str = "score-heads",
    steps: int = STEPS,
    iterations: int = ITERATIONS,
    start: float = START,
    eta: float = ETA,
    relative_noise: float = RELATIVE_NOISE,
    scale: Literal["pilot", "zero-filled"] = "pilot",
    precision: Precision = "auto",
) -> Reconstruction:
    """Draw images from noise in few steps (DDIM, DDS); the result is their mean.

    Each step takes a network call and `iterations` of conjugate gradients, and draws eta^2 of the noise's variance
    anew. With eta = 0 it follows the flow of the posterior. With eta = 1 it is nearer to the posterior's mean, and the
    deviation of the samples is too small. relative_noise is the noise of y per real component over the 0.99 quantile
    of the image; scale and precision are those of `langevin`.
    """
    score = ScorePrior(prior, y.device, precision)
    flow = partial(noise_flow, score.denoise, y, model, generator=generator, spread=score.network.sigma_data)
    flow = partial(flow, relative_noise=relative_noise, iterations=iterations, eta=eta)
    return score.draw(flow, start, steps, samples, scale, progress)


def noise_flow(
    denoise: Denoise,
    y: Tensor,
    model: SenseModel,
    levels: Tensor,
    *,
    generator: torch.Generator,
    spread: float,
    relative_noise: float = RELATIVE_NOISE,
    iterations: int = ITERATIONS,
    eta: float = 0.0,
    samples: int = 1,
    scale: float | Tensor | None = None,
    progress: Progress = iter,
) -> Tensor:
    """Follow dx / dsigma = (x - D) / sigma by Euler's method. (*batch, coil, H, W) -> (samples, *batch, H, W).

    D is the posterior mean of the image. It comes from the denoised image mu by equation (3.6), with the posterior
    variance rho^2 = sigma^2 spread^2 / (sigma^2 + spread^2) of a white prior. Chains start from A^H y + sigma_1 n, and
    the last step goes to sigma = 0. With eta above 0, each step draws eta^2 of the variance of the noise
    (x - D) / sigma anew. More steps then do not lead to the posterior: D is a mean, and new noise does not bring back
    the spread that it lacks.

    Args:
        denoise: (x, sigma) -> E[x_0 | x], in units of `scale`.
        levels: (L,) sigma_1 > ... > sigma_L, one step each.
        spread: standard deviation of the white prior per real component, in units of `scale`.
        relative_noise: noise of y per real component in units of `scale`, 0 for data that are kept as they are.
        eta: share of the noise's standard deviation drawn anew, between 0 and 1.
        scale: unit of the prior in units of y, a number or (*batch); by default the 0.99 quantile of |A^H y|.

    Raises:
        UserError: levels that do not fall, numbers below 1 or 0, or values that are no longer finite.
    """
    levels = check_levels(levels)
    if samples < 1 or iterations < 1:
        raise UserError("samples and iterations must be 1 or more")
    if not (relative_noise >= 0 and spread > 0 and 0 <= eta <= 1):
        raise UserError("relative_noise must not be negative, spread must be above 0, and eta between 0 and 1")
    adjoint, q = scaled(y, model, scale)
    shape = (samples, *adjoint.shape)
    with torch.inference_mode():
        x = adjoint + float(levels[0]) * complex_noise(shape, generator).to(adjoint)
        for sigma, following in progress(list(pairwise([*levels.tolist(), 0.0]))):
            rho2 = (sigma * spread) ** 2 / (sigma**2 + spread**2)
            # D = (A^H A + noise^2 / rho^2)^-1 (A^H y + noise^2 / rho^2 mu)    (3.6)
            weight = adjoint.real.new_tensor(relative_noise**2 / rho2)
            D = consistent(model, adjoint, denoise(x, sigma), weight, iterations)
            n = (x - D) / sigma
            if eta:
                n = (1 - eta**2) ** 0.5 * n + eta * complex_noise(shape, generator).to(adjoint)
            x = D + following * n  # for eta = 0 this is (3.3) with lambda = 1 - sigma_{k+1} / sigma_k
            if not torch.isfinite(x).all():
                raise UserError(f"the samples are no longer finite at sigma {sigma:.3g}; check the data")
    return x * q  # outside, so that the caller gets a tensor without inference mode's restrictions
