"""Masks by name: the fixed kinds of `mrilab.physics.sampling`, and patterns that a paper has trained.

A paper's `masks.py` has `pattern_names()` and `draw_pattern(name, shape, ratio, seed, acs)`.
"""

import math
from types import ModuleType

import torch
from torch import Tensor

from mrilab import papers
from mrilab.errors import UserError
from mrilab.physics.sampling import MASK_KINDS, Shape, make_mask


def mask_names() -> list[str]:
    """Return the names of all masks that can be made here."""
    return [*MASK_KINDS, *(name for paper in papers.modules("masks") for name in paper.pattern_names())]


def find_pattern(name: str) -> ModuleType | None:
    """Return the module that has a trained pattern of this name, or None where there is none."""
    for paper in papers.modules("masks"):
        if name in paper.pattern_names():
            return paper
    return None


def named_mask(
    name: str,
    shape: Shape,
    acceleration: float,
    direction: str = "vertical",
    seed: int | None = 0,
    acs: int | None = None,
) -> Tensor:
    """Return a mask by name, bool (1, W), (H, 1) or (H, W).

    Args:
        acceleration: 1 / ratio. Trained patterns give exactly that many samples, rounded.
        direction: of the fixed kinds of lines. A trained pattern has its own.
        seed: of the draw. None takes the most probable positions of a trained pattern.
        acs: side of the fully sampled centre in place of the one that the kind or the pattern has.

    Raises:
        UserError: an unknown name, a ratio that the pattern was not trained for or the kind cannot give.
    """
    paper = find_pattern(name)
    if paper is not None:
        if not (math.isfinite(acceleration) and acceleration >= 1):
            raise UserError(f"acceleration {acceleration:g} is impossible; give a number from 1 on")
        if direction != "vertical":
            raise UserError(f"{name} has a direction of its own; leave out --direction")
        return paper.draw_pattern(name, shape, 1 / acceleration, seed, acs)
    if name not in MASK_KINDS:
        raise UserError(f"unknown mask {name!r}; choose one of {', '.join(mask_names())}")
    if seed is None:
        raise UserError(f"{name} has no probabilities to take the highest of; give --seed instead of --top-k")
    return make_mask(name, shape, acceleration, direction, torch.Generator().manual_seed(seed), acs)
