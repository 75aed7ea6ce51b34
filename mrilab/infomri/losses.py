"""What the reconstruction is trained for: the likelihood of the image under mean and variance, (14), and controls."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

BETA = 0.5  # of beta-NLL, as Seitzer et al. (ICLR 2022) recommend
FLOOR = 1e-6  # smallest variance, far below that of the noise: keeps what is divided by away from 0


class Posterior(NamedTuple):
    """Hold mean (n, parts, H, W), real or real and imaginary part, and the variance of each part (n, 1, H, W)."""

    mean: Tensor
    variance: Tensor


def variance_of(log_variance: Tensor) -> Tensor:
    """Return exp(log_variance) + FLOOR."""
    return log_variance.clamp(max=10).exp() + FLOOR


def nll(posterior: Posterior, x: Tensor) -> Tensor:
    """Return (14): the mean over pixels of (x - mu)^2 / (2 sigma^2) + log(sigma^2) / 2. x is (n, parts, H, W)."""
    return _terms(posterior, x).mean()


def beta_nll(posterior: Posterior, x: Tensor) -> Tensor:
    """Return (15): (14) with the weight sigma^(2 beta) in each pixel, without gradient (Seitzer et al. 2022).

    Without it a pixel counts 1 / sigma^2, and air, where nothing is to be learned, counts most.
    """
    return (posterior.variance.detach() ** BETA * _terms(posterior, x)).mean()


def mse(posterior: Posterior, x: Tensor) -> Tensor:
    """Return the mean squared error: the control, whose variance learns nothing."""
    return (x - posterior.mean).square().mean()


def _terms(posterior: Posterior, x: Tensor) -> Tensor:
    return (x - posterior.mean).square() / (2 * posterior.variance) + posterior.variance.log() / 2


LOSSES: dict[str, Callable[[Posterior, Tensor], Tensor]] = {"nll": nll, "beta-nll": beta_nll, "mse": mse}
