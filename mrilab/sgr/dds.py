"""Reconstruction by diffusion with data consistency: DDIM with a data step, after DDS.

Chung, Lee, Ye, "Decomposed diffusion sampler" (ICLR 2024), with the changes of the paper. All images are in units of
q, the 0.99 quantile of the image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from mrilab.csgm.ddim import Denoise
from mrilab.csgm.levels import geometric_levels
from mrilab.errors import UserError
from mrilab.methods.registry import Progress
from mrilab.nets.consistency import consistent
from mrilab.physics.acquisition import LinearModel
from mrilab.physics.noise import complex_noise
from mrilab.sgr.diffusion import alpha_bar, epsilon, last_step, sigma_of

Grid = Literal["geometric", "uniform"]
DataStep = Literal["proximal", "cg", "released"]
LastStep = Literal["proximal", "released", "least-squares"]
Split = Literal["ddim", "constant"]

START = 1.2  # largest noise level of the geometric grid, in units of q
STEPS = 30  # number of steps, each with one network call
ITERATIONS = 5  # number of conjugate-gradient iterations in a data step
RELATIVE_NOISE = 0.02  # noise of y per real component over q, to which the proximal step gives its weight
LEAST_SQUARES = 50  # number of conjugate-gradient iterations of the last step "least-squares"

# x_t (K, *batch, H, W), abar -> what is added to epsilon (K, *batch, H, W), epsilon and x'_0 without gradients
Guide = Callable[["Chain", Tensor, float], tuple[Tensor, Tensor, Tensor]]


def time_grid(kind: Grid, steps: int, start: float, sigma_min: float, sigma_max: float) -> Tensor:
    """Return abar of the steps that a chain takes, (steps,) float64, rising: the noisiest comes first.

    "uniform" takes steps at equal distances in t, as the paper does, from the last t that the network knows down to 0.
    "geometric" takes noise levels in a constant ratio from `start` down to `sigma_min`.

    Raises:
        UserError: fewer than two steps, more than there are, or a `start` that the network does not know.
    """
    if steps < 2:
        raise UserError(f"a chain needs 2 steps or more, not {steps}")
    if kind == "uniform":
        last = last_step(sigma_max)
        if steps > last + 1:
            raise UserError(f"the prior knows {last + 1} steps of the diffusion, not {steps}; give fewer steps")
        t = torch.linspace(last, 0, steps, dtype=torch.float64).round().long()
        return alpha_bar()[t]
    if start > sigma_max:
        raise UserError(f"the prior knows noise up to sigma {sigma_max:g}; start there or below, not at {start:g}")
    return 1 / (1 + geometric_levels(start, sigma_min, steps).square())


@dataclass(frozen=True)
class Chain:
    """The steps of a chain for one measurement: (4), (5) and (6).

    Attributes:
        denoise: (x, sigma) -> E[x_0 | x], in units of q.
        adjoint: A^H y / q, complex (*batch, H, W).
        model: forward model A.
        spread: standard deviation of the prior's images per real component, in units of q, which the proximal step
            takes to judge the Tweedie estimate.
        relative_noise: noise of y per real component over q.
        data, last: data step of all steps but the last, and of the last.
        eta: share of DDIM's noise that is drawn anew. 1 is DDPM, 0 draws none.
        split: "ddim" takes beta-tilde of (6), "constant" gives new noise the share eta of the variance, as DDS does.
        iterations: number of conjugate-gradient iterations in a data step.
    """

    denoise: Denoise
    adjoint: Tensor
    model: LinearModel
    spread: float
    relative_noise: float = RELATIVE_NOISE
    data: DataStep = "proximal"
    last: LastStep = "released"
    eta: float = 1.0
    split: Split = "ddim"
    iterations: int = ITERATIONS

    def __post_init__(self) -> None:
        """Refuse numbers that no chain can use. Raises UserError."""
        if self.iterations < 1:
            raise UserError("iterations must be 1 or more")
        if not (self.relative_noise >= 0 and self.spread > 0 and 0 <= self.eta <= 1):
            raise UserError("relative_noise must not be negative, spread must be above 0, and eta between 0 and 1")

    def epsilon(self, x_t: Tensor, abar: float) -> Tensor:
        """Return epsilon_theta(x_t), of the shape of x_t."""
        return epsilon(self.denoise, x_t, abar)

    def clean(self, x_t: Tensor, eps: Tensor, abar: float) -> Tensor:
        """Return the Tweedie estimate of the clean image, of the shape of x_t."""
        # x0|t = (x_t - sqrt(1 - abar_t) eps) / sqrt(abar_t)    (4)
        return (x_t - (1 - abar) ** 0.5 * eps) / abar**0.5

    def consistent(self, x0: Tensor, abar: float, last: bool = False) -> Tensor:
        """Return x'_0, the estimate x0 (K, *batch, H, W) after the data step (5); with `last`, that of t = 1 -> 0."""
        kind = self.last if last else self.data
        weight = x0.real.new_zeros(())
        iterations = self.iterations
        if kind == "released":  # sampled k-space is replaced by y: one step of descent, exact with one coil
            return x0 + self.adjoint - self.model.normal(x0)
        if kind == "least-squares":
            iterations = LEAST_SQUARES
        elif kind == "proximal":
            # rho^2, the variance of x_0 given x_t under a white prior, and noise^2 weigh the estimate against y
            sigma2 = (1 - abar) / abar
            weight = weight + self.relative_noise**2 * (1 / sigma2 + 1 / self.spread**2)
        # x'_0 = CG(A^H A, A^H y, x0), with the weight CG(A^H A + w, A^H y + w x0, x0)    (5)
        return consistent(self.model, self.adjoint, x0, weight, iterations)

    def previous(self, x0: Tensor, eps: Tensor, noise: Tensor, abar: float, before: float) -> Tensor:
        """Return x_(t-1) from x'_0, epsilon and new noise, all (K, *batch, H, W); `before` is abar_(t-1)."""
        new = self.eta**2 * self.share(abar, before)
        # x_(t-1) = sqrt(abar_(t-1)) x'_0 + sqrt(1 - abar_(t-1) - eta^2 beta^2) eps + eta beta noise    (6)
        return before**0.5 * x0 + (1 - before) ** 0.5 * ((1 - new) ** 0.5 * eps + new**0.5 * noise)

    def share(self, abar: float, before: float) -> float:
        """Return the share of the noise's variance that is new with eta = 1: beta-tilde^2 / (1 - abar_(t-1)) of (6)."""
        # beta-tilde = sqrt((1 - abar_(t-1)) / (1 - abar_t)) sqrt(1 - abar_t / abar_(t-1))
        return 1.0 if self.split == "constant" else (1 - abar / before) / (1 - abar)

    def unguided(self, x_t: Tensor, abar: float, last: bool = False) -> tuple[Tensor, Tensor]:
        """Return epsilon_theta(x_t) and x'_0, each of the shape of x_t."""
        eps = self.epsilon(x_t, abar)
        return eps, self.consistent(self.clean(x_t, eps, abar), abar, last)


def run_chain(
    chain: Chain,
    grid: Tensor,
    count: int,
    generator: torch.Generator,
    *,
    groups: int = 1,
    guide: Guide | None = None,
    progress: Progress = iter,
) -> Tensor:
    """Draw images along `grid`, rising abar (steps,). Returns (groups * count, *batch, H, W) in units of q.

    Chains start from A^H y with the first step's noise, and the last step goes to abar = 1. All `groups` of `count`
    chains share start and noise, so they differ by what `guide` does and by nothing else. `guide` adds to epsilon in
    every step but the last.

    Raises:
        UserError: `count` below 1, or values that are no longer finite.
    """
    if count < 1:
        raise UserError(f"at least one sample must be drawn, not {count}")
    shape = (count, *chain.adjoint.shape)

    def draw() -> Tensor:
        noise = complex_noise(shape, generator).to(chain.adjoint)
        return noise.repeat(groups, *[1] * (noise.ndim - 1))  # (groups * count, *batch, H, W)

    first = float(grid[0])
    with torch.no_grad():
        x = first**0.5 * chain.adjoint + (1 - first) ** 0.5 * draw()
        for abar, before in progress(list(pairwise([*grid.tolist(), 1.0]))):
            last = before == 1
            if guide is None or last:
                eps, x0 = chain.unguided(x, abar, last)
            else:
                push, eps, x0 = guide(chain, x, abar)
                eps = eps + push  # (13)
            x = x0 if last else chain.previous(x0, eps, draw(), abar, before)
            if not torch.isfinite(torch.view_as_real(x)).all():
                sigma = float(sigma_of(torch.tensor(abar)))
                raise UserError(f"the samples are no longer finite at sigma {sigma:.3g}; check the data")
    return x
