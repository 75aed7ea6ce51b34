"""Losses of unrolled networks: what is asked of the last state, and what of those on the way.

`states` are (K + 1, n, H, W), x^0 to x^K. `clean` is x_0, (n, H, W). `t` is the time grid (K + 1,). Each loss is a
scalar, the mean over the batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.flat.flow import relaxations
from mrilab.training.losses import composite, distance, final

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
W_ALIGN = 2.0  # weight of the intermediate states, as re-implementations of the paper's second version have it
FLOOR = 0.05  # in `logarithmic`: an image whose loss is far below has nothing left to learn but its noise


def deep(states: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """Return the composite loss with every state pulled to the image: deep supervision."""
    return composite(states, clean) + W_ALIGN * distance(states[1:], clean).mean()


def aligned(states: Tensor, clean: Tensor, t: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the composite loss with every state pulled to the ideal path, all alike as in the paper's second version.

    L = L_rec + w (1 / K) sum_k |x^k - x*_{t_k}|,  x*_t = (1 - t) x_0 + t x^0, relative to the mean |x_0|.
    """
    times = t[1:].to(clean.real)[:, None, None, None]  # (K, 1, 1, 1)
    ideal = (1 - times) * clean + times * states[0]
    away = (states[1:] - ideal).abs().mean((-2, -1)) / clean.abs().mean((-2, -1))  # (K, n)
    share = torch.full_like(t[1:], 1 / len(times)) if weights is None else weights
    return composite(states, clean) + W_ALIGN * (share.to(away)[:, None] * away).sum(0).mean()


def aligned_velocities(states: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """Align velocities as the paper's first version: |v*_k - v^k| = |x*_k - x^k| / |delta_k|, weights summing to 1."""
    weights = 1 / t.diff().abs()
    return aligned(states, clean, t, weights / weights.sum())


def matched(states: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """Match the flow: E |D_t(x_t, y) - x_0|^2 of every cascade on the ideal path, relative to the image's energy.

    x^{k+1} is a step from the ideal state, so D = x*_k + (x^{k+1} - x*_k) / lambda_k.
    """
    t = t.to(clean.real)[:, None, None, None]  # (K + 1, 1, 1, 1)
    ideal = (1 - t[:-1]) * clean + t[:-1] * states[0]
    D = ideal + (states[1:] - ideal) / relaxations(t)
    return ((D - clean).abs().square().mean((-2, -1)) / clean.abs().square().mean((-2, -1))).mean()


def logarithmic(loss: Loss, states: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """Return the mean of log(L_i + FLOOR) over the losses L_i of the images of a batch, by one of LOSSES.

    Images of low acceleration have small losses, and their gradients would drown in those of high acceleration. By the
    logarithm, halving the loss of the one counts as much as halving that of the other.
    """
    losses = [loss(states[:, n : n + 1], clean[n : n + 1], t) for n in range(len(clean))]
    return (torch.stack(losses) + FLOOR).log().mean()


LOSSES: dict[str, Loss] = {
    "final": final,
    "composite": composite,
    "deep": deep,
    "aligned": aligned,
    "aligned-v1": aligned_velocities,
    "matched": matched,
}
