"""Masks from probabilities: Bernoulli draws with rejection (Algorithm 1), top-k, and straight-through gradients."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.errors import UserError

TRIES = 50  # most draws of one mask; then the least certain positions are flipped
SLOPE = 10.0  # of the sigmoid estimator, as in SeqMRI's code
SOFT_SLOPE = 12.0  # of LOUPE's soft mask, its default


class Draw(NamedTuple):
    """Hold masks (n, H, W) of 0 and 1, the uniform numbers u (n, H, W) behind them, and the number of tries (n)."""

    mask: Tensor
    u: Tensor
    tries: Tensor


def tolerance(positions: int, eps: float = 1e-3) -> float:
    """Return how many samples a mask may be off: eps of the positions, but no less than half a sample."""
    return max(0.5, eps * positions)


@torch.no_grad()
def draw(p: Tensor, count: Tensor, generator: torch.Generator, off: float = 0.5) -> Draw:
    """Draw m = 1[u < p], each mask again until it has `count` samples, give or take `off`: (11).

    Args:
        p: probabilities (n, H, W), or (n, 1, W) or (n, H, 1) for lines.
        count: number of samples asked for, (n); it need not be whole.

    After TRIES draws the positions where p and u differ least are flipped, as many as are too many or missing.
    """
    n = len(p)
    flat = p.reshape(n, -1).float().cpu()  # (n, N)
    count = count.cpu()
    u = torch.rand(flat.shape, generator=generator)
    tries = torch.ones(n)
    wrong = torch.arange(n)  # masks that are not accepted yet
    while len(wrong := wrong[_misses(u[wrong] < flat[wrong], count[wrong], off)]) and tries.max() < TRIES:
        u[wrong] = torch.rand((len(wrong), flat.shape[1]), generator=generator)
        tries[wrong] += 1
    mask = u < flat
    for each in wrong.tolist():
        mask[each] = _mended(mask[each], (flat[each] - u[each]).abs(), round(float(count[each])))
    mask, u = (each.reshape(p.shape).to(p) for each in (mask, u))
    return Draw(mask, u, tries)


def _misses(mask: Tensor, count: Tensor, off: float) -> Tensor:
    """Return which masks (n, N) have not `count` (n) samples, give or take `off`, bool (n)."""
    return (mask.sum(1) - count).abs() > off + 1e-3


def _mended(mask: Tensor, margin: Tensor, count: int) -> Tensor:
    """Return the mask (N) with `count` samples, flipped where the margin is least."""
    surplus = int(mask.sum()) - count
    wrong = mask if surplus > 0 else ~mask
    flipped = torch.where(wrong, margin, torch.inf).topk(abs(surplus), largest=False).indices
    return mask.index_fill(0, flipped, surplus < 0)


def top_k(p: Tensor, count: Tensor) -> Tensor:
    """Return the masks of the `count` (n) most probable positions, of p's shape and type: no draw, no chance."""
    flat = p.detach().reshape(len(p), -1)
    rank = flat.argsort(dim=1, descending=True, stable=True).argsort(dim=1)  # (n, N)
    return (rank < count.round().to(rank)[:, None]).to(p.dtype).reshape(p.shape)


def straight_through(drawn: Draw, p: Tensor, estimator: str = "sigmoid", t: float = 1.0) -> Tensor:
    """Return (12): the drawn masks with the gradient of something smooth in p, of ESTIMATORS. `t` is PUERT's.

    Raises:
        UserError: unknown estimator.
    """
    if estimator not in ESTIMATORS:
        raise UserError(f"unknown estimator {estimator!r}; choose one of {', '.join(ESTIMATORS)}")
    smooth = ESTIMATORS[estimator](p, drawn.u, t)
    return smooth if estimator == "soft" else drawn.mask + (smooth - smooth.detach())


def sigmoid(p: Tensor, u: Tensor, t: float) -> Tensor:
    """Return sigmoid(10 (p - u)), whose slope stands for that of the step (SeqMRI's code, Yin et al. 2021)."""
    return torch.sigmoid(SLOPE * (p - u))


def identity(p: Tensor, u: Tensor, t: float) -> Tensor:
    """Return p: the gradient for the mask is taken for that of the probability (Bengio et al. 2013)."""
    return p


def puert(p: Tensor, u: Tensor, t: float) -> Tensor:
    """Return what has the slope k t (1 - tanh^2(2 t (p - u))), k = max(1 / t, 1), with t from 0.1 to 10 (PUERT)."""
    return max(1 / t, 1.0) / 2 * torch.tanh(2 * t * (p - u))


def soft(p: Tensor, u: Tensor, t: float) -> Tensor:
    """Return LOUPE's relaxed mask sigmoid(12 (p - u)), which stands in for the mask in training."""
    return torch.sigmoid(SOFT_SLOPE * (p - u))


ESTIMATORS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "sigmoid": sigmoid, "identity": identity, "puert": puert, "soft": soft,
}  # fmt: skip
