"""The conditional probability flow behind unrolled networks: velocity and Euler steps, and both exact for Gaussians.

Time runs from t = 1, the degraded start, to t = 0, the clean image, along the path

    x_t = (1 - t) x_0 + t x_1,    x_1 = A^H y + s eps,    eps ~ N(0, 1) per real component.

Equation numbers are those of lesson 3. Images are complex (*batch, H, W), or real for toys; s and `noise_std` are
standard deviations per real component. After Qi et al., "Unrolled networks are conditional probability flows in MRI
reconstruction" (arXiv 2512.03020), whose proof is replaced by a derivation that holds for every t.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian

Denoise = Callable[[Tensor, float], Tensor]  # (x_t, t) -> E[x_0 | x_t, y]


def euler(denoise: Denoise, x: Tensor, t: Tensor) -> Tensor:
    """The states x^0 = x, x^1, ..., x^K of Euler's method on the grid t (K + 1,). (K + 1, *x.shape)."""
    states = [x]
    for t_k, lambda_k in zip(t[:-1].tolist(), relaxations(t).tolist(), strict=True):
        # x^{k+1} = (1 - lambda_k) x^k + lambda_k D_{t_k}(x^k, y)    (3)
        x = (1 - lambda_k) * x + lambda_k * denoise(x, t_k)
        states.append(x)
    return torch.stack(states)


def cascade(x: Tensor, denoised: Tensor, adjoint: Tensor, model, eta, weight, gamma) -> Tensor:
    """One cascade of an unrolled network, equation (8); `eta`, `weight` and `gamma` are eta_k, lambda_k and gamma_k.

    With eta = lambda_k gamma_k it is the Euler step (3) to the D of equation (7), rewritten.
    """
    change = weight * (denoised - x)
    # x^{k+1} = x^k - eta_k A^H (A x^k - y) + lambda_k (I - gamma_k A^H A)(N - x^k)    (8)
    return x - eta * (model.normal(x) - adjoint) + change - gamma * model.normal(change)


class GaussianFlow:
    """The flow of one measurement y for a Gaussian prior, where every quantity has a closed form. For tiny images.

    Args:
        prior: of x_0. y: (coil, H, W) or what `model` makes.
        noise_std: of y, above 0.
        s: noise of the start. 0 is the deterministic start of unrolled networks.

    Raises:
        UserError: noise that is not above 0, or a negative s.
    """

    def __init__(self, prior: Gaussian, y: Tensor, model, noise_std: float, s: float):
        if not (noise_std > 0 and s >= 0):
            raise UserError(f"the noise must be above 0 and s not negative, not {noise_std:g} and {s:g}")
        self.prior, self.y, self.model, self.noise_std, self.s = prior, y, model, noise_std, s
        self.adjoint = model.adjoint(y)  # (H, W)

    @cached_property
    def posterior(self) -> Gaussian:
        """p(x_0 | y)."""
        return self.prior.posterior(self.y, self.model, self.noise_std)

    def start(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` draws of x_1, (count, H, W)."""
        components = (2,) if self.adjoint.is_complex() else ()
        eps = torch.randn(count, *self.adjoint.shape, *components, dtype=torch.float64, generator=generator)
        return self.adjoint + self.s * (torch.view_as_complex(eps) if components else eps)

    def law(self, t: float) -> Gaussian:
        """p_t(x | y), with mean (1 - t) E[x_0 | y] + t A^H y and covariance (1 - t)^2 C + t^2 s^2."""
        spread = (1 - t) ** 2 * self.posterior.variance + (t * self.s) ** 2
        return Gaussian((1 - t) * self.posterior.mean + t * self.adjoint, spread, self.posterior.basis)

    def given_image(self, x: Tensor, t: float) -> Gaussian:
        """p(x_0 | x_t = x) for 0 < t < 1, without the likelihood of y: its mean is mu_t, its covariance C_t.

        A^H y is known, so what x says about x_0 is r = (x - t A^H y) / (1 - t) = x_0 + tau eps, tau = t s / (1 - t):
        plain denoising.
        """
        r, tau = (x - t * self.adjoint) / (1 - t), t * self.s / (1 - t)
        variance = self.prior.variance
        total = variance + tau**2
        share = variance / torch.where(total > 0, total, 1)  # of what is seen that is signal
        mu = r + tau**2 * self.prior.score(r, tau) if tau > 0 else r
        return Gaussian(mu, share * tau**2, self.prior.basis)

    def denoise(self, x: Tensor, t: float) -> Tensor:
        """D_t(x, y) = E[x_0 | x_t = x, y], (*batch, H, W), for 0 < t <= 1.

        Two independent observations of x_0, the image r and the data y, one after the other:
        D = mu + C A^H (sigma^2 + A C A^H)^-1 (y - A mu)    (5)
        """
        if t == 1:  # x is A^H y and noise, and says nothing more
            return self.posterior.mean.expand(x.shape)
        seen = self.given_image(x, t)
        return seen.mean if self.s == 0 else seen.posterior(self.y, self.model, self.noise_std).mean

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """v_t(x | y) = E[x_1 - x_0 | x_t = x, y] = (x - D_t(x, y)) / t    (1), for 0 < t <= 1."""
        return (x - self.denoise(x, t)) / t

    def velocity_from_score(self, x: Tensor, t: float) -> Tensor:
        """The same for 0 < t < 1 and s > 0 from the score of p_t(x | y): affine in it, and not equal to it.

        v_t = (A^H y - x) / (1 - t) - t s^2 / (1 - t) grad log p_t(x | y)    (2)
        """
        return (self.adjoint - x - t * self.s**2 * self.law(t).score(x)) / (1 - t)

    def expected_error(self, t: float) -> float:
        """E ||x - x_0||^2 of the mean path x = (1 - t) E[x_0 | y] + t A^H y, over x_0 given y, per real component.

        E ||x - x_0||^2 = tr C + t^2 ||A^H y - E[x_0 | y]||^2    (10), before the average over y
        """
        components = 2 if self.adjoint.is_complex() else 1
        away = (self.adjoint - self.posterior.mean).abs().square().sum()
        return float(self.posterior.variance.sum() + t**2 * away / components)


def time_grid(K: int, alpha: float = 0.0) -> Tensor:
    """t_0 = 1 > t_1 > ... > t_K = 0, float64: t_k = (1 - k / K)^(1 + alpha), dense near t = 0 for alpha > 0.

    Raises:
        UserError: K below 1 or alpha not above -1.
    """
    if K < 1 or not alpha > -1:
        raise UserError(f"a time grid needs one step or more and alpha above -1, not {K} and {alpha:g}")
    return (1 - torch.arange(K + 1, dtype=torch.float64) / K) ** (1 + alpha)


def relaxations(t: Tensor) -> Tensor:
    """lambda_k = 1 - t_{k+1} / t_k of a time grid (K + 1,): the share of the way to the denoised image. (K,)."""
    return 1 - t[1:] / t[:-1]
