"""The forward process of diffusion models, and a trained denoiser seen as their network epsilon_theta.

Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (NeurIPS 2020), with the schedule of the paper. Steps are
counted from t = 0, the first with noise, to T - 1 = 999, as code does; the paper counts from 1 to T.
"""

import torch
from torch import Tensor

from mrilab.csgm.ddim import Denoise
from mrilab.errors import UserError

T = 1000  # number of diffusion steps
BETA = (1e-4, 0.02)  # variance of the noise that the first and the last step add


def alpha_bar() -> Tensor:
    """Return the share of the image's variance that is left after each step, (T,) float64: the product of 1 - beta."""
    return (1 - torch.linspace(*BETA, T, dtype=torch.float64)).cumprod(0)


def sigma_of(abar: Tensor) -> Tensor:
    """Return the noise over the image, sqrt((1 - abar) / abar): sigma of lesson 2 for x = x_t / sqrt(abar)."""
    return ((1 - abar) / abar).sqrt()


def last_step(sigma_max: float) -> int:
    """Return the largest t whose noise is at most `sigma_max`. Raises UserError where there is none."""
    inside = int((sigma_of(alpha_bar()) <= sigma_max).sum())
    if not inside:
        raise UserError(f"sigma {sigma_max:g} is below the first step of the diffusion; give a larger one")
    return inside - 1


def epsilon(denoise: Denoise, x: Tensor, abar: float) -> Tensor:
    """Return epsilon_theta(x_t), the noise of unit variance that a denoiser D sees in x_t, of the shape of x_t.

    The network knows x = x_t / sqrt(abar) = x_0 + sigma n. So n = (x - D(x; sigma)) / sigma.
    """
    x = x / abar**0.5
    sigma = ((1 - abar) / abar) ** 0.5
    return (x - denoise(x, sigma)) / sigma
