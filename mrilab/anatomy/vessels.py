"""Vessels: named trunks at their usual places, and a random net of small ones on and in the brain.

In a spin echo, flowing blood gives almost no signal: vessels are dark dots and lines.
"""

import tomllib
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.fields import Draws

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
ARCH = (-9.0, 7.0)  # bend of the arches in mm along y (to the back) and z (up) where x = 30
SINUS_RADIUS = (0.8, 3.4)  # radius in mm of the superior sagittal sinus at the forehead and at the back


def _tube(across: Tensor, along: Tensor, low: float, high: float, radius: float) -> Tensor:
    """Return the share of a tube, from the squared distance `across` and the position `along` its axis in mm."""
    beyond = (low - along).clamp_min(0) + (along - high).clamp_min(0)
    return torch.sigmoid((radius - (across + beyond.square()).sqrt()) / 0.3)


def trunks(points: Tensor, inner: Tensor) -> Tensor:
    """Return the share (n, H, W) of named vessels at template points (n, H, W, 3), `inner` mm from the skull."""
    x, y, z = points.unbind(-1)
    x = x.abs()
    front, back = SINUS_RADIUS
    radius = front + (back - front) * ((70 - y) / 140).clamp(0, 1)
    sinus = torch.sigmoid((radius - (x.square() + (inner + 2).square()).sqrt()) / 0.3)
    share = sinus * torch.sigmoid((z - 10 + 0.3 * y) / 2)  # from the forehead over the vertex to the back
    for x0, y0, *extent in TABLES["trunks"]:
        share = torch.maximum(share, _tube((x - x0).square() + (y - y0).square(), z, *extent))
    bend = (x / 30).square()
    for y0, z0, *extent in TABLES["branches"]:
        across = (y - y0 - ARCH[0] * bend).square() + (z - z0 - ARCH[1] * bend).square()
        share = torch.maximum(share, _tube(across, x, *extent))
    return share


def small_vessels(draws: Draws, pixel: float) -> tuple[Tensor, Tensor]:
    """Draw the shares (n, H, W) of vessels on the brain's surface and of the finer ones inside it; `pixel` is in mm.

    Curves are the zero lines of smooth random fields. They are kept where another field is high, so that they start
    and end. Those inside are thinner than a pixel and only darken it.
    """
    shares = []
    for spacing, radius, keep in ((9.0, 0.55, 0.2), (6.0, 0.22, 0.5)):  # mm, mm, level of the other field
        distance = pixel * draws.curves(2, spacing / pixel)  # (n, 2, H, W) mm
        present = torch.sigmoid(8 * (draws.fields(2, 12.0 / pixel) - keep))
        shares.append((torch.sigmoid((radius - distance) / 0.25) * present).amax(1))
    return shares[0], shares[1]
