"""Vessels: named trunks at their usual places, and a random net of small ones on and in the brain.

In a spin echo, flowing blood gives almost no signal: vessels are dark dots and lines.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.anatomy.fields import random_curves, random_field

# vertical tubes: (x, y, lowest z, highest z, radius), mm; those with x > 0 are mirrored
TRUNKS = (
    (0.0, -27.0, -58.0, -22.0, 1.9),  # basilar artery
    (11.0, 0.0, -45.0, -18.0, 2.3),  # internal carotid
    (2.0, 38.0, -12.0, 20.0, 1.1),  # anterior cerebral
)
# arches sideways from the midline: (y, z, lowest x, highest x, radius), bending back and up by ARCH mm at x = 30
BRANCHES = (
    (6.0, -19.0, 12.0, 38.0, 1.3),  # middle cerebral, first part
    (-22.0, -20.0, 4.0, 22.0, 1.0),  # posterior cerebral
)
ARCH = (-9.0, 7.0)  # mm along y and z
SINUS_RADIUS = (0.8, 3.4)  # mm, superior sagittal sinus, at the forehead and at the back


def _tube(across: Tensor, along: Tensor, low: float, high: float, radius: float) -> Tensor:
    beyond = (low - along).clamp_min(0) + (along - high).clamp_min(0)
    return torch.sigmoid((radius - (across + beyond.square()).sqrt()) / 0.3)


def trunks(points: Tensor, inner: Tensor) -> Tensor:
    """Share (n, H, W) of named vessels, from template points (n, H, W, 3) and the distance to the skull in mm."""
    x, y, z = points.unbind(-1)
    x = x.abs()
    front, back = SINUS_RADIUS
    radius = front + (back - front) * ((70 - y) / 140).clamp(0, 1)
    sinus = torch.sigmoid((radius - (x.square() + (inner + 2).square()).sqrt()) / 0.3)
    share = sinus * torch.sigmoid((z - 10 + 0.3 * y) / 2)  # from the forehead over the vertex to the back
    for x0, y0, low, high, radius in TRUNKS:
        share = torch.maximum(share, _tube((x - x0).square() + (y - y0).square(), z, low, high, radius))
    for y0, z0, low, high, radius in BRANCHES:
        bend = (x / 30).square()
        across = (y - y0 - ARCH[0] * bend).square() + (z - z0 - ARCH[1] * bend).square()
        share = torch.maximum(share, _tube(across, x, low, high, radius))
    return share


def small_vessels(
    n: int, shape: tuple[int, int], pixel: float, generator: torch.Generator, device="cpu"
) -> tuple[Tensor, Tensor]:
    """Shares (n, H, W) of vessels on the brain's surface and of the finer ones inside it.

    Curves are the zero lines of smooth random fields, kept where another field is high, so that they start and
    end; those inside are thinner than a pixel and only darken it.
    """
    spacings = torch.tensor([9.0, 6.0])
    shares = []
    for spacing, radius, keep in zip(spacings.tolist(), (0.55, 0.22), (0.2, 0.5), strict=True):
        distance = pixel * random_curves(n, 2, shape, spacing / pixel, generator, device)  # (n, 2, H, W) mm
        present = torch.sigmoid(8 * (random_field(n, 2, shape, 12.0 / pixel, generator, device) - keep))
        shares.append((torch.sigmoid((radius - distance) / 0.25) * present).amax(1))
    return shares[0], shares[1]
