"""Equal-volume controls: bounds of the volumes that guidance gave, chosen without guidance.

Precision of S-low rises as it shrinks and recall of S-up as it grows, whatever chose the pixels. Held against controls
of the same volumes, the bounds show what guidance adds.
"""

from typing import Literal

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from mrilab.errors import UserError
from mrilab.sgr.volume import indicator

Per = Literal["slice", "slab"]


def controls(logits: Tensor, c: int, low: Tensor, up: Tensor, per: Per = "slice") -> dict[str, tuple[Tensor, Tensor]]:
    """Return bounds without guidance by name, each S-low and S-up, bool (slices, H, W).

    "distance", "one sample" and "mean" have the volumes of the given bounds `low` and `up`, bool (slices, H, W): the
    pixels that rank highest by `signed_distance` to the median segmentation of the samples, which erodes and dilates
    it, by the class probability of the first sample, and by the mean class probability. "all samples" are intersection
    and union, of volumes of their own.

    Args:
        logits: (K, slices, 1 + classes, H, W) of K samples without guidance (RR).
        per: whether volumes are those of each slice, or of all slices together.

    Raises:
        UserError: bounds of another shape than the samples.
    """
    if not low.shape == up.shape == (logits.shape[1], *logits.shape[-2:]):
        raise UserError(f"bounds {tuple(low.shape)} and {tuple(up.shape)} do not fit samples {tuple(logits.shape)}")
    k, slices = logits.shape[:2]
    samples = indicator(logits.flatten(0, 1), c).unflatten(0, (k, slices))  # (K, slices, H, W)
    volumes = torch.stack([low, up]).sum((-2, -1))  # (2, slices)
    scores = {
        "distance": signed_distance(median_segmentation(samples)),
        "one sample": log_odds(logits[:1], c),
        "mean": log_odds(logits, c),
    }
    chosen = {
        name: (highest(score, volumes[0], per), highest(score, volumes[1], per)) for name, score in scores.items()
    }
    return {**chosen, "all samples": (samples.all(0), samples.any(0))}


def highest(score: Tensor, pixels: Tensor, per: Per = "slice") -> Tensor:
    """Return the pixels that rank highest, bool (slices, H, W); of equal ones those that come first, row by row.

    Args:
        score: (slices, H, W).
        pixels: (slices,), how many in each slice. With per = "slab", only their sum counts.
    """
    ranked = score.flatten()[None] if per == "slab" else score.flatten(1)  # (slices or 1, pixels)
    count = pixels.sum()[None] if per == "slab" else pixels
    order = ranked.argsort(dim=1, descending=True, stable=True)
    first = torch.arange(order.shape[1], device=order.device) < count[:, None]
    return torch.zeros_like(first).scatter_(1, order, first).reshape(score.shape)


def signed_distance(segmented: Tensor) -> Tensor:
    """Return the distance to the edge in pixels, above 0 inside, of bool (slices, H, W), each slice apart.

    An empty slice is -inf everywhere, a full one inf.
    """
    distances = []
    for inside in segmented.cpu().numpy():
        if inside.all() or not inside.any():  # there is no edge
            distances.append(np.where(inside, np.inf, -np.inf))
        else:
            distances.append(distance_transform_edt(inside) - distance_transform_edt(~inside))
    return torch.from_numpy(np.stack(distances)).to(segmented.device)


def median_segmentation(samples: Tensor) -> Tensor:
    """Return the pixels that more than half of the samples hold, bool (K, slices, H, W) -> (slices, H, W)."""
    return 2 * samples.sum(0) > len(samples)


def log_odds(logits: Tensor, c: int) -> Tensor:
    """Return log(p / (1 - p)) for the mean probability p of class `c` over samples.

    It ranks pixels as p does, also where p rounds to 1, as most of a class does in float32: ties would go by position.
    Logits (K, slices, 1 + classes, H, W) -> (slices, H, W) float64.
    """
    logits = logits.double()
    others = torch.cat([logits[:, :, :c], logits[:, :, c + 1 :]], 2).logsumexp(2)  # (K, slices, H, W)
    total = logits.logsumexp(2)
    return (logits[:, :, c] - total).logsumexp(0) - (others - total).logsumexp(0)
