"""Masks from trained patterns, for a scan of any shape: `mrilab mask` and `mrilab recon --mask` ask here."""

import json
import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.infomri.draw import draw, top_k
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.normalisation import threshold
from mrilab.infomri.pattern import PatternNetwork, central, check_ratios
from mrilab.infomri.sampling import Learned
from mrilab.paths import CHECKPOINTS
from mrilab.training.checkpoints import trained

DEFAULT = {"infomri": "infomri-heads-lines"}  # a short name for the pattern that serves scans from elsewhere


def pattern_names() -> list[str]:
    """Return the names of the checkpoints with a learned pattern, after the short name for one of them."""
    found = []
    for path in sorted(CHECKPOINTS.glob("infomri-*.json")):
        network = json.loads(path.read_text(encoding="utf-8"))["network"]
        if network["kind"] == "infomri" and network["config"]["sampling"]["by"] == "learned":
            found.append(path.stem)
    return [*(short for short, name in DEFAULT.items() if name in found), *found]


def draw_pattern(name: str, shape: tuple[int, int], ratio: float, seed: int | None, acs: int | None) -> Tensor:
    """Return a mask of a trained pattern for k-space of `shape`, bool, with round(ratio N) samples.

    Without a seed it has the most probable positions. Positions of another shape than the trained one take their logits
    by their distance from DC in cycles per field of view, beyond the trained ones those of the edge, and the
    probabilities are normalised anew.

    Raises:
        UserError: a ratio outside the trained range, or below the share of the fully sampled centre.
    """
    network = trained(DEFAULT.get(name, name), InfoMRI, torch.device("cpu"))
    assert isinstance(network.sampling, Learned)
    p = probabilities(network.sampling.pattern, network.ratios, shape, ratio, acs)[None]
    count = torch.tensor([round(ratio * p[0].numel())])
    if seed is None:
        return top_k(p, count)[0].bool()
    return draw(p, count, torch.Generator().manual_seed(seed)).mask[0].bool()


@torch.no_grad()
def probabilities(
    pattern: PatternNetwork,
    trained_ratios: tuple[float, float],
    shape: tuple[int, int],
    ratio: float,
    acs: int | None = None,
) -> Tensor:
    """Return how probable each position of k-space of `shape` is, (1, W), (H, 1) or (H, W), with mean `ratio`.

    Raises:
        UserError: a ratio outside the trained range, or below the share of the fully sampled centre.
    """
    low, high = trained_ratios
    if not low <= ratio <= high:
        raise UserError(
            f"the pattern was trained for ratios of {low:g} to {high:g}, not {ratio:g}; ask for one of those"
        )
    unit = (shape[0] if pattern.shape[0] > 1 else 1, shape[1] if pattern.shape[1] > 1 else 1)
    count = round(ratio * math.prod(unit))
    r = torch.tensor([count / math.prod(unit)])
    if unit == pattern.shape and acs is None:
        return pattern(r)[0]
    centre = central(unit, pattern.acs if acs is None else acs).flatten()  # (N)
    check_ratios(r, centre)
    rows, columns = (_nearest(n, own) for n, own in zip(unit, pattern.shape, strict=True))
    logits = pattern.logits(r).reshape(pattern.shape)[rows[:, None], columns]  # unit
    p = centre.float()
    inside = (count - centre.sum()) / (~centre).sum()
    p[~centre] = threshold(logits.flatten()[None, ~centre], inside[None])[0]
    return p.reshape(unit)


def _nearest(n: int, own: int) -> Tensor:
    """Return for each of n positions the trained one of `own` that is as far from DC, or the nearest that there is."""
    if own == 1:
        return torch.zeros(1, dtype=torch.long)
    return (torch.arange(n) - n // 2 + own // 2).clamp(0, own - 1)
