"""How the pattern network's probabilities are brought to the mean that the sampling ratio asks for."""

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 26  # most steps: as many bisections reach the digits of float32


def rescale(logits: Tensor, r: Tensor) -> Tensor:
    """Return probabilities of mean r by (9): all of them scaled down, or all of their complements.

    (n, N), (n) -> (n, N).
    The paper's normalisation, its (17). The formula is that of LOUPE (Bahadir et al. 2020).
    """
    p = torch.sigmoid(logits)
    r, mean = r[:, None], p.mean(1, keepdim=True)  # (n, 1)
    # (9): (r / mean) p where mean >= r, 1 - (1 - r) / (1 - mean) (1 - p) otherwise
    lower = p * (r / mean.clamp(min=torch.finfo(p.dtype).tiny))
    higher = 1 - (1 - p) * ((1 - r) / (1 - mean).clamp(min=torch.finfo(p.dtype).eps))
    return torch.where(mean >= r, lower, higher)


def threshold(logits: Tensor, r: Tensor) -> Tensor:
    """Return (10): sigmoid(logits + b), with the offset b(r) for which the mean is r. (n, N), (n) -> (n, N).

    Ours: what the ratio moves is a threshold, so a larger ratio adds positions and keeps the others.
    """
    with torch.no_grad():
        b = offset(logits, r)  # (n, 1)
        p = torch.sigmoid(logits + b)
        certainty = p * (1 - p)
        weight = certainty / certainty.sum(1, keepdim=True).clamp(
            min=torch.finfo(p.dtype).tiny
        )  # db / d logits = -weight
    # the value of the bracket is 0, so that rounding cannot move the mean; only its gradient counts
    return torch.sigmoid(logits + b - (weight * (logits - logits.detach())).sum(1, keepdim=True))


def offset(logits: Tensor, r: Tensor) -> Tensor:
    """Return b for which mean sigmoid(logits + b) = r, (n, 1).

    Newton's step where it stays inside the bracket, which begins at the extreme logits, and its middle elsewhere.
    """
    centre, r = torch.logit(r)[:, None], r[:, None]  # (n, 1)
    low, high = centre - logits.amax(1, keepdim=True), centre - logits.amin(1, keepdim=True)
    b = (low + high) / 2
    for _ in range(STEPS):
        p = torch.sigmoid(logits + b)
        surplus = p.mean(1, keepdim=True) - r
        if surplus.abs().max() < 4 * torch.finfo(p.dtype).eps:
            break
        low, high = torch.where(surplus > 0, low, b), torch.where(surplus > 0, b, high)
        newton = b - surplus / (p - p.square()).mean(1, keepdim=True)
        b = torch.where((newton > low) & (newton < high), newton, (low + high) / 2)  # also where the slope is 0
    return b


NORMALISATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"rescale": rescale, "threshold": threshold}
