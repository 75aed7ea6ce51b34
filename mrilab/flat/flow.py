"""The conditional probability flow behind unrolled networks: velocity and Euler steps, and both exact for Gaussians.

Time runs from t = 1, the degraded start, to t = 0, the clean image, along the path

    x_t = (1 - t) x_0 + t x_1,    x_1 = A^H y + s eps,    eps ~ N(0, 1) per real component.

Images are complex (*batch, H, W), or real for toys. s and `noise_std` are standard deviations per real component.
"""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian
from mrilab.physics.acquisition import LinearModel
from mrilab.physics.noise import complex_noise

Denoise = Callable[[Tensor, float], Tensor]  # (x_t, t) -> E[x_0 | x_t, y]


def time_grid(K: int, alpha: float = 0.0) -> Tensor:
    """Return t_0 = 1 > ... > t_K = 0, float64 (K + 1,): t_k = (1 - k / K)^(1 + alpha), dense near t = 0 for alpha > 0.

    >>> time_grid(4, alpha=1.0).tolist()
    [1.0, 0.5625, 0.25, 0.0625, 0.0]

    Raises:
        UserError: K below 1 or alpha not above -1.
    """
    if K < 1 or not alpha > -1:
        raise UserError(f"a time grid needs one step or more and alpha above -1, not {K} and {alpha:g}")
    return (1 - torch.arange(K + 1, dtype=torch.float64) / K) ** (1 + alpha)


def relaxations(t: Tensor) -> Tensor:
    """Return lambda_k = 1 - t_{k+1} / t_k, the share of the way to the denoised image. (K + 1,) -> (K,)."""
    return 1 - t[1:] / t[:-1]


def euler(denoise: Denoise, x: Tensor, t: Tensor) -> Tensor:
    """Return the states x^0 = x, ..., x^K of Euler's method on the grid t (K + 1,), as (K + 1, *x.shape)."""
    states = [x]
    for t_k, lambda_k in zip(t[:-1].tolist(), relaxations(t).tolist(), strict=True):
        # x^{k+1} = (1 - lambda_k) x^k + lambda_k D_{t_k}(x^k, y)    (3)
        x = (1 - lambda_k) * x + lambda_k * denoise(x, t_k)
        states.append(x)
    return torch.stack(states)


def data_step(mu: Tensor, adjoint: Tensor, model: LinearModel, gamma: float | Tensor) -> Tensor:
    """Return D for `adjoint` = A^H y: exact for one coil and a posterior variance of x_0 that is the same everywhere.

    D = mu - gamma A^H (A mu - y)    (7)
    """
    return mu - gamma * (model.normal(mu) - adjoint)


def cascade(
    x: Tensor, N: Tensor, adjoint: Tensor, model: LinearModel, lambda_k: float | Tensor, gamma_k: float | Tensor
) -> Tensor:
    """Return the next state of an unrolled network whose denoiser has made N of x: (7) put into (3).

    x^{k+1} = x^k - eta_k A^H (A x^k - y) + lambda_k (I - gamma_k A^H A)(N - x^k)    (8)
    eta_k = lambda_k gamma_k    (9)
    """
    change = lambda_k * (N - x)
    return x - lambda_k * gamma_k * (model.normal(x) - adjoint) + change - gamma_k * model.normal(change)


class GaussianFlow:
    """The flow of one measurement y for a Gaussian prior, where every quantity has a closed form. For tiny images.

    y is what `model` makes of an image. s = 0 is the deterministic start of unrolled networks.

    Raises:
        UserError: `noise_std` is not above 0, or s is negative.
    """

    def __init__(self, prior: Gaussian, y: Tensor, model: LinearModel, noise_std: float, s: float):
        if not (noise_std > 0 and s >= 0):
            raise UserError(f"the noise must be above 0 and s not negative, not {noise_std:g} and {s:g}")
        self.prior, self.y, self.model, self.noise_std, self.s = prior, y, model, noise_std, s
        self.adjoint = model.adjoint(y)  # (H, W)

    @cached_property
    def posterior(self) -> Gaussian:
        """Return p(x_0 | y)."""
        return self.prior.posterior(self.y, self.model, self.noise_std)

    def start(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw x_1, (count, H, W)."""
        eps = complex_noise((count, *self.adjoint.shape), generator, torch.float64)
        return self.adjoint + self.s * (eps if self.adjoint.is_complex() else eps.real)

    def law(self, t: float) -> Gaussian:
        """Return p_t(x | y), with mean (1 - t) E[x_0 | y] + t A^H y and covariance (1 - t)^2 C + t^2 s^2."""
        variance = (1 - t) ** 2 * self.posterior.variance + (t * self.s) ** 2
        return Gaussian((1 - t) * self.posterior.mean + t * self.adjoint, variance, self.posterior.basis)

    def given_image(self, x: Tensor, t: float) -> Gaussian:
        """Return p(x_0 | x_t = x) for 0 < t < 1, without the likelihood of y: its mean is mu_t, its covariance C_t."""
        return self._given_r(*self._observation(x, t))

    def denoise(self, x: Tensor, t: float) -> Tensor:
        """Return D_t(x, y) = E[x_0 | x_t = x, y], (*batch, H, W), for 0 < t <= 1.

        D = mu + C A^H (sigma^2 + A C A^H)^-1 (y - A mu)    (5)
        """
        if t == 1:  # x is A^H y and noise, and says nothing more
            return self.posterior.mean.expand(x.shape)
        conditional = self.given_image(x, t)
        return conditional.mean if self.s == 0 else conditional.posterior(self.y, self.model, self.noise_std).mean

    def denoise_by_evidence(self, x: Tensor, t: float) -> Tensor:
        """Return D = mu + tau^2 grad_r log p(y | r) for 0 < t < 1 and s > 0 by automatic differentiation.    (4)"""
        r, tau = self._observation(x, t)
        with torch.enable_grad():
            r = r.detach().requires_grad_()
            conditional = self._given_r(r, tau)
            evidence = conditional.log_evidence(self.y, self.model, self.noise_std).sum()
            (gradient,) = torch.autograd.grad(evidence, r)
        return conditional.mean.detach() + tau**2 * gradient

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """Return v_t(x | y) = E[x_1 - x_0 | x_t = x, y] = (x - D_t(x, y)) / t for 0 < t <= 1.    (1)"""
        return (x - self.denoise(x, t)) / t

    def velocity_from_score(self, x: Tensor, t: float) -> Tensor:
        """Return the same for 0 < t < 1 and s > 0 from the score of p_t(x | y): affine in it, and not equal to it.

        v_t = (A^H y - x) / (1 - t) - t s^2 / (1 - t) grad log p_t(x | y)    (2)
        """
        return (self.adjoint - x - t * self.s**2 * self.law(t).score(x)) / (1 - t)

    def expected_error(self, t: float) -> float:
        """Return the expected error of the mean path x = (1 - t) E[x_0 | y] + t A^H y, per real component.

        E ||x - x_0||^2 = tr C + t^2 ||A^H y - E[x_0 | y]||^2 over x_0 given y    (10), before the average over y
        """
        components = 2 if self.adjoint.is_complex() else 1
        distance = (self.adjoint - self.posterior.mean).abs().square().sum()
        return float(self.posterior.variance.sum() + t**2 * distance / components)

    def _observation(self, x: Tensor, t: float) -> tuple[Tensor, float]:
        """Return r and tau. A^H y is known, so x_t says r = (x_t - t A^H y) / (1 - t) = x_0 + tau eps about x_0."""
        return (x - t * self.adjoint) / (1 - t), t * self.s / (1 - t)

    def _given_r(self, r: Tensor, tau: float) -> Gaussian:
        variance = self.prior.variance
        total = variance + tau**2
        share = variance / torch.where(total > 0, total, 1)  # share of the signal in the variance of r
        mu = r + tau**2 * self.prior.score(r, tau) if tau > 0 else r
        return Gaussian(mu, share * tau**2, self.prior.basis)
