"""What the experiments measure of answers, head by head and then as means: distance to the raters, overlap, spread."""

import torch
from torch import Tensor

from mrilab.evaluation.segmentation import brier, dice, disagreement, ged
from mrilab.infomri.tasks.predict import DRAWS, Answered, pixelwise

NAMES = ("ged", "ged_unbiased", "dice", "dice_rater", "brier", "spread", "ged_pixelwise")


def by_head(found: Answered, outlines: Tensor) -> dict[str, Tensor]:
    """Return the values of NAMES for raters' outlines bool (n, R, H, W), one a head, (n) each.

    ged, ged_unbiased: between answers and raters. dice: of where the probability is above one half, against the
    majority of the raters; dice_rater: the mean over the raters, one by one. brier: against the majority. spread: the
    mean of 1 - IoU over pairs of different answers. ged_pixelwise: of answers whose pixels are drawn one by one.
    """
    apart = pixelwise(found.probability, DRAWS)  # (DRAWS, n, H, W)
    rows = []
    for n, raters in enumerate(outlines):
        samples, p = found.samples[:, n], found.probability[n]
        rows.append([
            ged(samples, raters), ged(samples, raters, unbiased=True),
            float(majority_dice(p[None], raters[None])), float(dice((p > 0.5)[None], raters).mean()),
            brier(p, raters.float().mean(0) >= 0.5), disagreement(samples), ged(apart[:, n], raters),
        ])  # fmt: skip
    return dict(zip(NAMES, torch.tensor(rows).unbind(1), strict=True))


def majority_dice(probability: Tensor, outlines: Tensor, threshold: float = 0.5) -> Tensor:
    """Return Dice (n) of where probabilities (n, H, W) are above a threshold, against the majority of the raters.

    `outlines` are bool (n, R, H, W).
    """
    ours, majority = probability > threshold, outlines.float().mean(1) >= 0.5
    return torch.stack([dice(a[None], b[None])[0, 0] for a, b in zip(ours, majority, strict=True)])
