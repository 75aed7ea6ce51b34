"""Fine variation of signal inside a tissue, as a share of its mean: fibres, fat lobules, iron, partial volume."""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.anatomy.contrast import TISSUES
from mrilab.anatomy.fields import random_field

# standard deviation relative to the mean signal; tissues that are not named have DEFAULT
STRENGTH = {
    "grey matter": 0.07,
    "white matter": 0.055,
    "csf": 0.07,
    "fat": 0.24,
    "marrow": 0.35,
    "muscle": 0.25,
    "skin": 0.15,
}
DEFAULT = 0.03
SCALES = (
    (1.2, 0.75),
    (2.5, 0.5),
    (6.0, 0.433),
)  # (knot spacing in mm, share of the standard deviation); squares sum to 1


def strengths(device="cpu") -> Tensor:
    """The table as a tensor (tissue,)."""
    return torch.tensor([STRENGTH.get(tissue.name, DEFAULT) for tissue in TISSUES], device=device)


def texture_field(n: int, shape: tuple[int, int], pixel: float, generator: torch.Generator, device="cpu") -> Tensor:
    """Unit-variance texture (n, H, W) with the grain of SCALES."""
    return sum(share * random_field(n, 1, shape, spacing / pixel, generator, device)[:, 0] for spacing, share in SCALES)
