"""Diagonal Gaussians of the latent w, and how far one lies from another."""

from typing import NamedTuple

import torch
from torch import Tensor

LOWEST = -10.0  # logarithm of the smallest variance: what keeps a sure posterior from dividing by nothing
HIGHEST = 10.0


class Diagonal(NamedTuple):
    """Hold mean and logarithm of the variance of independent numbers, (n, ...) each."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, number: int, generator: torch.Generator) -> Tensor:
        """Draw `number` of each, (number, n, ...), with a gradient for mean and variance."""
        noise = torch.randn((number, *self.mean.shape), generator=generator).to(self.mean)
        return self.mean + (self.log_variance / 2).exp() * noise


def from_channels(out: Tensor) -> Diagonal:
    """Return the Gaussian whose means are the first half of the channels of (n, 2 c, ...), the variances the second."""
    mean, log_variance = out.chunk(2, 1)
    return Diagonal(mean, log_variance.clamp(LOWEST, HIGHEST))


def kl(q: Diagonal, p: Diagonal) -> Tensor:
    """Return D_KL(q || p) in nats, summed over all numbers of a sample, (n).

    1/2 sum [log(s_p^2 / s_q^2) + (s_q^2 + (m_q - m_p)^2) / s_p^2 - 1], the second term of (19) of Peng et al. 2026.
    """
    log_ratio = p.log_variance - q.log_variance
    distance = (q.mean - p.mean).square() / p.log_variance.exp()
    return (log_ratio + (-log_ratio).exp() + distance - 1).flatten(1).sum(1) / 2
