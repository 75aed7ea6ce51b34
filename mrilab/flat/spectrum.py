"""The flow of lesson 3 for one coil and a stationary Gaussian prior, frequency by frequency: any size is instant.

k-space z = F x has independent components of variance v; those of the mask are measured with noise. All arrays are
(H, W) in k-space, and variances are per real component.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.flat.flow import time_grid

RULES = ("exact", "derived, rho measured", "derived, rho bound", "paper")


def power_law(shape: tuple[int, int], width: float = 2.0, exponent: float = 1.5) -> Tensor:
    """Variances 1 / (1 + (f / width)^2)^exponent of frequencies f in samples from DC, float64 (H, W)."""
    rows, columns = (torch.arange(n, dtype=torch.float64) - n // 2 for n in shape)
    return (1 + (rows[:, None] ** 2 + columns**2) / width**2) ** -exponent


@dataclass(frozen=True)
class SpectralFlow:
    """Euler's method by one of RULES for measured data y = mask z + n, and what it should give.

    variance: (H, W) of the prior, whose mean is 0. mask: bool (H, W). y: (H, W) complex, 0 where not sampled.
    noise_std, s: of the data and of the start, per real component.
    """

    variance: Tensor
    mask: Tensor
    y: Tensor
    noise_std: float
    s: float

    @property
    def gain(self) -> Tensor:
        """E[z | y] = gain y."""
        return self.mask * self.variance / (self.variance + self.noise_std**2)

    @property
    def spread(self) -> Tensor:
        """Variance of z given y."""
        return self.variance * torch.where(self.mask, self.noise_std**2 / (self.variance + self.noise_std**2), 1)

    def states(self, K: int, alpha: float, rule: str, eps: Tensor) -> Tensor:
        """x^0 to x^K as k-space, (K + 1, *eps.shape), from y + s eps; `eps` is unit noise (..., H, W).

        Raises:
            UserError: an unknown rule, or a grid that there is not.
        """
        if rule not in RULES:
            raise UserError(f"unknown rule {rule!r}; choose one of {', '.join(RULES)}")
        t = time_grid(K, alpha).tolist()
        x = self.y + self.s * eps
        states = [x]
        for now, then in zip(t[:-1], t[1:], strict=True):
            mu, doubt = self._denoised(x, now)
            if rule == "paper":
                # x + |delta| (A^H (y - A x) + v_theta), with mu - x as v_theta
                x = x + (now - then) * (self.y - self.mask * x + mu - x)
            else:
                weight = self._weight(now, rule, doubt)
                # D = mu + rho^2 / (rho^2 + sigma^2) A^H (y - A mu)    (7), and then (3)
                x = x + (1 - then / now) * (mu + weight * (self.y - self.mask * mu) - x)
            states.append(x)
        return torch.stack(states)

    def _denoised(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """mu_t = E[z | x_t] without the likelihood of y, and the variance C_t that it leaves."""
        if t == 1:
            return torch.zeros_like(x), self.variance
        tau2 = (t * self.s / (1 - t)) ** 2
        share = self.variance / (self.variance + tau2)
        return share * (x - t * self.y) / (1 - t), share * tau2

    def _weight(self, t: float, rule: str, doubt: Tensor) -> Tensor:
        if rule == "derived, rho measured":
            doubt = doubt.mean()
        elif rule == "derived, rho bound":
            tau2 = (t * self.s / (1 - t)) ** 2 if t < 1 else torch.inf
            # tau^2 / (1 + tau^2) of a prior of unit variance: more than any doubt here
            doubt = torch.tensor(tau2 / (1 + tau2) if t < 1 else 1.0, dtype=torch.float64)
        return doubt / (doubt + self.noise_std**2)
