"""What the data say of a noisy image x_t: the likelihood p(y | x_t), and what methods put in its place.

A prior's score is known at x_t = x_0 + sigma n. Samples of the posterior also take grad log p(y | x_t), where

    p(y | x_t) = integral p(y | x_0) p(x_0 | x_t) dx_0                                                    (14)

is a mean over all clean images from which x_t may have come. Nobody can compute it for images. If p(x_0 | x_t) were a
Gaussian of mean D and covariance C, then for y = A x_0 + n, with noise of deviation s per real component,

    grad log p(y | x_t) = J^H A^H (A C A^H + s^2)^-1 (y - A D),   D = E[x_0 | x_t],  J = dD / dx_t         (15)

which is exact for a Gaussian prior, where C = sigma^2 J. Methods differ in what they take for D, J and C:

    langevin   D = x_t                J = 1             A C A^H = gamma^2    Jalal et al., NeurIPS 2021, Equation 4
    dps        D                      J                 C = 0                Chung et al., ICLR 2023
    pigdm      D                      J                 C = c                Song et al., ICLR 2023
    decoupled  D                      J = c / sigma^2   C = c                DDRM, DDNM, DDS: no gradient of a network

with c = sigma^2 v / (sigma^2 + v), the variance of x_0 given x_t where images have variance v per real component.
`split_gibbs` needs no likelihood of x_t.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor

from mrilab.csgm.levels import check_levels
from mrilab.errors import UserError
from mrilab.methods.registry import Progress
from mrilab.physics.acquisition import LinearModel
from mrilab.physics.classical import conjugate_gradients

Choice = Literal["langevin", "dps", "pigdm", "decoupled"]
Denoise = Callable[[Tensor, float], Tensor]  # (x, sigma) -> E[x_0 | x_t = x]
Score = Callable[[Tensor, float], Tensor]


def conditional_score(
    choice: Choice,
    denoise: Denoise,
    y: Tensor,
    model: LinearModel,
    *,
    noise_std: float,
    variance: float,
    gamma_ratio: float = 0.5,
    iterations: int = 10,
) -> Score:
    """Return the function (x_t, sigma) -> grad log p(x_t) + the stand-in for grad log p(y | x_t), (..., H, W).

    Args:
        choice: one of the stand-ins of this module.
        denoise: passes gradients to x, for "dps" and "pigdm".
        y: (coil, H, W), in the unit of the images.
        noise_std: s, per real component; above 0.
        variance: v of the prior per real component.
        gamma_ratio: gamma / sigma, for "langevin".
        iterations: conjugate-gradient steps for the inverse in (15).

    Raises:
        UserError: there is no such choice, or s is not above 0.
    """
    if choice not in get_args(Choice):
        raise UserError(f"unknown stand-in {choice!r}; choose one of {', '.join(get_args(Choice))}")
    if not noise_std > 0:
        raise UserError(f"noise_std must be above 0, not {noise_std:g}")

    def score(x: Tensor, sigma: float) -> Tensor:
        x = x.detach().requires_grad_(choice in ("dps", "pigdm"))
        D = denoise(x, sigma)
        prior = (D.detach() - x.detach()) / sigma**2
        if choice == "langevin":
            residual = model.adjoint(y - model.forward(x))
            return prior + residual / ((gamma_ratio * sigma) ** 2 + noise_std**2)
        c = 0.0 if choice == "dps" else sigma**2 * variance / (sigma**2 + variance)
        residual = model.adjoint(y - model.forward(D.detach()))
        # A^H (c A A^H + s^2)^-1 r = (c A^H A + s^2)^-1 A^H r
        pull = _solve(model, c, noise_std**2, residual, iterations)
        if choice == "decoupled":
            return prior + c / sigma**2 * pull
        (gradient,) = torch.autograd.grad(D, x, pull)  # J^H pull
        return prior + gradient

    return score


def reverse_diffusion(
    score: Score, x: Tensor, levels: Tensor, generator: torch.Generator, progress: Progress = iter
) -> Tensor:
    """Follow the reverse diffusion from x at the first of `levels` to the last one, by steps of Euler and Maruyama.

    x <- x + (a^2 - b^2) score(x, a) + b sqrt(a^2 - b^2) / a zeta,  from the level a to the next one b

    Its error falls with the number of levels, whatever the density, if the score is that of the smoothed density
    (Song et al., ICLR 2021). x is (..., H, W), complex or real.
    """
    for a, b in progress(list(pairwise(check_levels(levels).tolist()))):
        zeta = _unit_noise(x, generator)
        x = x + (a**2 - b**2) * score(x, a) + b / a * math.sqrt(a**2 - b**2) * zeta
    return x


def split_gibbs(
    score: Score,
    y: Tensor,
    model: LinearModel,
    z: Tensor,
    rhos: Tensor,
    generator: torch.Generator,
    *,
    noise_std: float,
    smallest: float,
    sweeps: int = 1,
    steps: int = 20,
    iterations: int = 10,
) -> Tensor:
    """Draw by turns an image x that fits the data and stays near z, and a clean image z that x may be a noisy copy of.

        x ~ p(x | y, z), a Gaussian of precision A^H A / s^2 + 1 / rho^2, with data and z perturbed by their noise
        z ~ p(z | x), the reverse diffusion of the prior alone from x at the level rho

    Both draws are exact but for steps and iterations, so for rho -> 0 the chains have the posterior for their limit
    (Vono, Dobigeon & Chainais, IEEE TSP 2019; with diffusions Coeurdoux et al., IEEE TIP 2024). How soon they come
    there is another matter.

    Args:
        score: of the prior alone.
        z: the start (..., H, W).
        rhos: falling. Each has `sweeps` pairs of draws.
        smallest: noise level at which the diffusion ends, in `steps` steps.
    """
    for rho in rhos.tolist():
        for _ in range(sweeps):
            data = model.adjoint(y + noise_std * _unit_noise(model.forward(z), generator)) / noise_std**2
            near = (z + rho * _unit_noise(z, generator)) / rho**2
            x = _solve(model, noise_std**-2, rho**-2, data + near, iterations)
            levels = torch.logspace(math.log10(rho), math.log10(min(smallest, rho / 2)), steps + 1)
            z = reverse_diffusion(score, x, levels, generator)
    return z


def _solve(model: LinearModel, c: float, diagonal: float, b: Tensor, iterations: int) -> Tensor:
    """Return (c A^H A + diagonal)^-1 b."""
    return conjugate_gradients(lambda x: c * model.normal(x) + diagonal * x, b, iterations, tolerance=1e-8)


def _unit_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return noise of unit variance per real component in the shape of `like`, drawn on the CPU."""
    noise = torch.empty(like.shape, dtype=like.dtype)
    (torch.view_as_real(noise) if noise.is_complex() else noise).normal_(generator=generator)
    return noise.to(like.device)
