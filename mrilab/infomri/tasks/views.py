"""What the figures and widgets of lesson 5, part 2, show, as functions of numbers and arrays."""

from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor

from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.segmentation import dice, disagreement, ged
from mrilab.infomri.draw import draw
from mrilab.infomri.gaussian import best_estimate
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.tasks.labelled import Labelled
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.predict import answered
from mrilab.infomri.tasks.scans import Cases
from mrilab.infomri.tasks.verdicts import mean_of
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.teach.figures import Panel, View

SHOWN = 3  # answers in front of the reader


def answers_view(
    network: LatentSegmenter, case: Cases, acceleration: float, draws: int, threshold: float, seed: int
) -> View:
    """Show answers about one head at an acceleration, their mean, and where it is above a threshold, computed anew."""
    found = answered(network, case.full, case.maps, 1 / acceleration, draws, seed)
    samples, p = found.samples[:, 0], found.probability[0]  # (draws, H, W), (H, W)
    raters, x = case.outlines[0], case.x[0, 0]
    share, peak = raters.float().mean(0), float(x.max())
    decided = p > threshold
    panels = (
        Panel("Image", x, limits=(0.0, peak)),
        Panel("Mean image", found.image[0], limits=(0.0, peak)),
        Panel("Share of the raters", share, "map", "share", (0.0, 1.0)),
        Panel("Probability", p, "map", "share", (0.0, 1.0)),
        *(Panel(f"Answer {number + 1}", each, "mask", "1 = mass") for number, each in enumerate(samples[:SHOWN])),
        Panel(f"Probability above {threshold:.2f}", decided, "mask", "1 = mass"),
    )
    overlap = float(dice(decided[None], (share >= 0.5)[None]))
    text = (
        f"{acceleration:.0f}x: Dice of the decision {overlap:.2f}, GED {ged(samples, raters):.2f}; the answers are "
        f"{disagreement(samples):.2f} apart, the raters {disagreement(raters):.2f}."
    )
    return View(panels, text)


def privacy_view(
    patterns: Mapping[float, Tensor], accuracy: Mapping[float, float], digits: Labelled, gaussian: GaussianKspace,
    beta: float, number: int,
) -> View:  # fmt: skip
    """Show for one beta the pattern (H, W), a mask, and the best linear estimate of a digit that its samples allow.

    `accuracy` is that of the classifiers that were trained with the patterns.
    """
    p, mean = patterns[beta], digits.x.mean((0, 1))
    n = len(digits.x)
    generator = torch.Generator().manual_seed(1)
    masks = draw(p.expand(n, -1, -1), torch.full((n,), round(float(p.sum()))), generator).mask
    estimates = linear_estimates(digits, masks, gaussian)
    panels = (
        Panel("Probability p", p, "map", "p", (0.0, 1.0)),
        Panel("Mask", masks[number], "mask"),
        Panel("Digit", digits.x[number, 0], limits=(0.0, 1.0)),
        Panel("Best linear estimate", estimates[number].clamp(0, 1), limits=(0.0, 1.0)),
    )
    above = sum(psnr(a, b) - psnr(mean, b) for a, b in zip(estimates, digits.x[:, 0], strict=True)) / n
    text = (
        f"beta {beta:g}: {100 * accuracy[beta]:.1f} % of the test digits are named. The best linear estimate of {n} "
        f"digits is {above:.1f} dB above the mean image."
    )
    return View(panels, text)


def linear_estimates(digits: Labelled, masks: Tensor, gaussian: GaussianKspace) -> Tensor:
    """Return the best linear estimates (n, H, W) of a Gaussian image with these variances, from masks (n, H, W)."""
    mean = digits.x.mean((0, 1))
    about_mean = digits.full[:, 0] - fft2c(mean.to(torch.complex64))  # (n, H, W)
    found = [best_estimate(gaussian, y, mask > 0) for y, mask in zip(about_mean, masks, strict=True)]
    return mean + ifft2c(torch.stack(found)).real


def by_acceleration(
    rows: pd.DataFrame, models: Mapping[str, str], column: str, at: tuple[int, ...] = (4, 8, 16, 32)
) -> dict[str, list[float]]:
    """Return the means of a column at accelerations `at`, by the names to show; nan where a model was not measured."""
    return {shown: [mean_of(rows, model, R, column) for R in at] for shown, model in models.items()}
