"""A toy whose answer is known: the samples fix a disc, and two raters differ by one bit, how far it reaches.

One takes the inner part, the other all of it. Both are right, with probability one half each. So the energy distance of
the best possible sampler is 0, and that of the best single answer is known, see `single_answer`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.evaluation.segmentation import iou
from mrilab.infomri.images import SIGMA
from mrilab.physics.fourier import fft2c
from mrilab.physics.noise import complex_noise

SIDE = 16
RADII = (3.0, 5.0)  # pixels, of the inner part and of the whole
PLACES = 4  # centres are whole pixels, so many along each axis


class Discs(NamedTuple):
    """Hold images x (n, 1, H, W), k-space with noise and maps (n, 1, H, W), and both raters' answers (n, 2, H, W)."""

    x: Tensor
    full: Tensor
    maps: Tensor
    outlines: Tensor


def discs(n: int, generator: torch.Generator) -> Discs:
    """Draw `n` discs of SIDE x SIDE pixels, with noise."""
    centre = (SIDE - PLACES) // 2 + torch.randint(PLACES, (2, n, 1, 1), generator=generator)
    rows, columns = torch.arange(SIDE)[:, None], torch.arange(SIDE)
    distance = torch.hypot((rows - centre[0]).float(), (columns - centre[1]).float())  # (n, H, W)
    inner, outer = RADII
    x = torch.sigmoid(2 * ((inner + outer) / 2 - distance))  # soft between the two
    outlines = torch.stack([distance <= inner, distance <= outer], 1)
    full = fft2c(x.to(torch.complex64)) + SIGMA * complex_noise(x.shape, generator)
    return Discs(x[:, None], full[:, None], torch.ones_like(full)[:, None], outlines)


def single_answer(outlines: Tensor) -> float:
    """Return the least energy distance (45) that one answer can have to two raters (2, H, W), one inside the other.

    With IoU a / b between them it is (1 - a / b) / 2, for either of the two. An answer in between, of s pixels, is at
    2 - a / s - s / b from both together, which is largest in the middle, s^2 = a b.
    """
    return float(1 - iou(outlines[:1], outlines[1:])) / 2
