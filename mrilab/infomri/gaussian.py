"""Training a pattern network on the Gaussian image, where the best mask is known: exactly, and straight through."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from mrilab.infomri.draw import draw, straight_through, tolerance
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.pattern import PatternNetwork
from mrilab.physics.noise import complex_noise
from mrilab.physics.pairs import own_partner, partners

Objective = Callable[
    [PatternNetwork, Tensor, torch.Generator], Tensor
]  # (pattern, r (n), generator) -> scalar to raise
RATE = 1e-2


def exact(image: GaussianKspace) -> Objective:
    """Return E I(X; Y) of masks drawn from p, in nats a sample: I is multilinear in the mask, so it is I at p."""

    def objective(pattern: PatternNetwork, r: Tensor, generator: torch.Generator) -> Tensor:
        return (image.information(pattern(r)) / (r * pattern.E.shape[0])).mean()

    return objective


def linear(image: GaussianKspace, estimator: str = "sigmoid") -> Objective:
    """Return minus the error of the best linear estimate from drawn masks, over the image's variance.

    Each image is drawn anew, and the gradient goes straight through the draw of the mask.
    """
    s_R, s_I = image.real.sqrt(), image.imaginary.sqrt()
    own = own_partner(image.shape)

    def objective(pattern: PatternNetwork, r: Tensor, generator: torch.Generator) -> Tensor:
        p = pattern(r)  # (n, *unit)
        positions = pattern.E.shape[0]
        drawn = draw(p, r * positions, generator, tolerance(positions))
        m = straight_through(drawn, p, estimator).double().expand(len(r), *image.shape)  # (n, H, W)
        half = complex_noise((len(r), *image.shape), generator, s_R.dtype)
        even = torch.where(own, half, (half + partners(half).conj()) / 2**0.5)  # conjugate at the partner
        k = torch.complex(s_R * even.real, s_I * even.imag)  # (n, H, W)
        y = k + image.noise**0.5 * complex_noise(k.shape, generator, s_R.dtype)
        error = (k - best_estimate(image, y, m)).abs().square().sum((-2, -1))
        return -(error / (image.real + image.imaginary).sum()).mean()

    return objective


def best_estimate(image: GaussianKspace, y: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of k-space given its samples, (..., H, W), for y of all positions and masks (..., H, W) of them.

    The weights are those of the mask as it is and get no gradient. So the gradient reaches a mask along the straight
    line m -> weights * m * y.
    """
    m = mask.detach().to(image.real.dtype)
    own = own_partner(image.shape)
    both = (m * partners(m)).masked_fill(own, 0)  # where the partner is sampled, too
    w_R, w_I = (s / (s * (1 + both) + image.noise) for s in (image.real, image.imaginary))
    told = mask * torch.complex(w_R * y.real, w_I * y.imag)
    # each sample speaks for its own point and, conjugated, for its partner
    return told + partners(told).conj().masked_fill(own, 0)


def train_pattern(
    pattern: PatternNetwork,
    objective: Objective,
    steps: int,
    ratios: tuple[float, float],
    batch: int = 8,
    seed: int = 0,
    progress: Callable[[range], Iterable[int]] = iter,
) -> PatternNetwork:
    """Raise the objective over ratios drawn from a range, by Adam with a half cosine, and return the pattern."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(pattern.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in progress(range(steps)):
        low, high = ratios
        r = low + (high - low) * torch.rand(batch, generator=generator)
        optimizer.zero_grad()
        (-objective(pattern, r, generator)).backward()
        torch.nn.utils.clip_grad_norm_(pattern.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return pattern


def share_of_best(image: GaussianKspace, masks: Tensor) -> Tensor:
    """Return I(X; Y) of masks (n, *unit) over that of the best mask of as many samples, (n)."""
    unit = (masks.shape[-2], masks.shape[-1])
    best = [image.information(image.best_mask(int(mask.sum()), unit)) for mask in masks]
    return image.information(masks) / torch.stack(best)
