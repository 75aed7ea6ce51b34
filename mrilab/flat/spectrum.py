"""The flow of lesson 3 for one coil and a stationary Gaussian prior, frequency by frequency: any size is instant.

k-space z = F x has independent components of variance v; those of the mask are measured with noise. All arrays are
(H, W) in k-space, and variances are per real component.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.flat.flow import time_grid

RULES = ("exact", "derived, rho measured", "derived, rho bound", "paper")


def power_law(shape: tuple[int, int], width: float = 2.0, exponent: float = 1.5) -> Tensor:
    """Return variances 1 / (1 + (f / width)^2)^exponent of frequencies f in samples from DC, float64 (H, W)."""
    rows, columns = (torch.arange(n, dtype=torch.float64) - n // 2 for n in shape)
    return (1 + (rows[:, None] ** 2 + columns**2) / width**2) ** -exponent


@dataclass(frozen=True)
class SpectralFlow:
    """Euler's method by one of RULES for measured data y = mask z + n, and what it should give.

    `variance` is that of the prior of mean 0. `mask` is bool, and y is 0 where it is false. `noise_std` and s are
    standard deviations of the noise in the data and in the start, per real component.
    """

    variance: Tensor
    mask: Tensor
    y: Tensor
    noise_std: float
    s: float

    @property
    def gain(self) -> Tensor:
        """Return E[z | y] / y."""
        return self.mask * self.variance / (self.variance + self.noise_std**2)

    @property
    def posterior_variance(self) -> Tensor:
        """Return the variance of z given y."""
        return self.variance * torch.where(self.mask, self.noise_std**2 / (self.variance + self.noise_std**2), 1)

    def states(self, K: int, alpha: float, rule: str, eps: Tensor) -> Tensor:
        """Return x^0 to x^K as k-space, (K + 1, *eps.shape), from y + s eps with unit noise `eps` (..., H, W).

        Raises:
            UserError: the rule or the time grid does not exist.
        """
        if rule not in RULES:
            raise UserError(f"unknown rule {rule!r}; choose one of {', '.join(RULES)}")
        t = time_grid(K, alpha).tolist()
        x = self.y + self.s * eps
        states = [x]
        for t_k, t_next in zip(t[:-1], t[1:], strict=True):
            # mu_t = E[z | x_t] without the likelihood of y, and the variance C_t that it leaves
            mu, C, bound = torch.zeros_like(x), self.variance, 1.0  # t = 1 leaves no image in x
            if t_k < 1:
                tau2 = (t_k * self.s / (1 - t_k)) ** 2
                share = self.variance / (self.variance + tau2)
                mu, C = share * (x - t_k * self.y) / (1 - t_k), share * tau2
                bound = tau2 / (1 + tau2)  # C_t of a prior of unit variance, which is more than any other here
            if rule == "paper":
                # x + |delta| (A^H (y - A x) + v_theta), with mu - x as v_theta
                x = x + (t_k - t_next) * (self.y - self.mask * x + mu - x)
            else:
                rho2 = {"derived, rho measured": C.mean(), "derived, rho bound": C.new_tensor(bound)}.get(rule, C)
                gamma = rho2 / (rho2 + self.noise_std**2)
                # D = mu + gamma A^H (y - A mu)    (7), and then (3)
                x = x + (1 - t_next / t_k) * (mu + gamma * (self.y - self.mask * mu) - x)
            states.append(x)
        return torch.stack(states)
