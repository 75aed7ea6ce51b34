"""Training a pattern network on the Gaussian image, where the best mask is known: exactly, and straight through."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from mrilab.infomri.draw import draw, straight_through, tolerance
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.pattern import PatternNetwork
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
    """Return minus the error of a linear reconstruction of drawn masks, whose gradient goes straight through the draw.

    Each image is drawn anew. The weights are those of the best linear estimate for the mask as it is: they are not
    differentiated, and the gradient reaches the mask along the straight line m -> weights * m * y.
    """
    s = torch.stack([image.real, image.imaginary], -1)  # (H, W, 2)
    sign = torch.tensor([1.0, -1.0], dtype=s.dtype)  # of the partner's parts
    own = own_partner(image.shape)[..., None]

    def objective(pattern: PatternNetwork, r: Tensor, generator: torch.Generator) -> Tensor:
        p = pattern(r)  # (n, *unit)
        positions = pattern.E.shape[0]
        drawn = draw(p, r * positions, generator, tolerance(positions))
        m = straight_through(drawn, p, estimator).double()
        m = m.expand(len(r), *image.shape)[..., None]  # (n, H, W, 1)
        half = torch.randn(len(r), *s.shape, generator=generator, dtype=s.dtype)
        mirrored = sign * partners(half.movedim(-1, 1)).movedim(1, -1)
        k = s.sqrt() * torch.where(own, half, (half + mirrored) / 2**0.5)  # (n, H, W, 2), conjugate at the partner
        y = k + image.noise**0.5 * torch.randn(k.shape, generator=generator, dtype=s.dtype)
        both = torch.where(own, 0.0, 1.0) * m.detach() * partners(m.detach().movedim(-1, 1)).movedim(1, -1)
        weight = s / (s * (1 + both) + image.noise)
        # each sample speaks for its own point and for its partner's
        telling = weight * m * y
        estimate = telling + torch.where(own, 0.0, 1.0) * sign * partners(telling.movedim(-1, 1)).movedim(1, -1)
        error = (k - estimate).square().sum((-3, -2, -1)) / s.sum()
        return -error.mean()

    return objective


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
