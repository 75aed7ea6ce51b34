"""A bottle with tubes and bars: an object whose every T1, T2 and proton density is known."""

from typing import NamedTuple

import torch
from torch import Tensor


class Spins(NamedTuple):
    """One spin a pixel: proton density relative to water, T1 and T2 in ms, each float64 (H, W)."""

    pd: Tensor
    t1: Tensor
    t2: Tensor


TUBES = {  # name: (proton density, T1, T2 in ms, centre down and to the right, radius in fields of view)
    "bottle": (0.70, 830.0, 80.0, 0.0, 0.0, 0.42),
    "grey": (0.82, 1330.0, 110.0, -0.20, -0.17, 0.11),
    "fluid": (1.00, 4160.0, 1700.0, -0.20, 0.17, 0.11),
    "fat": (0.70, 371.0, 133.0, 0.20, -0.20, 0.09),
    "hole": (0.00, 1000.0, 50.0, 9 / 48, 5 / 48, 0.17),
}
BARS = (0.90, 400.0, 20.0)  # of short T2
BAR = 48  # bars are one field of view over this wide, and so far apart
DOTS = ((-0.02, 4.0), (0.06, 2.5), (0.12, 1.5))  # of grey in the bottle: place to the right, radius in mm of 240


def tubes(side: int = 48) -> Spins:
    """Return the object on a grid (side, side): a bottle, three tubes, bars across and along the readout, dots.

    The bars lie in a hole. Those in its left half vary along the readout (down), those in the right half across.
    """
    place = (torch.arange(side, dtype=torch.float64) - side // 2) / side
    down, right = torch.meshgrid(place, place, indexing="ij")  # (H, W) each
    values = torch.zeros(3, side, side, dtype=torch.float64)
    values[1:] = torch.tensor([1000.0, 50.0], dtype=torch.float64)[:, None, None]  # of air, which has no density
    for *properties, below, beside, radius in TUBES.values():
        _fill(values, (down - below) ** 2 + (right - beside) ** 2 <= radius**2, properties)
    for beside, millimetres in DOTS:
        _fill(values, (down - 0.01) ** 2 + (right - beside) ** 2 <= (millimetres / 240) ** 2, TUBES["grey"][:3])
    row, column = torch.floor(BAR * down + 0.5), torch.floor(BAR * right + 0.5)
    near = (row - 9).abs() <= 5
    _fill(values, near & (column >= -1) & (column <= 4) & (row % 2 == 0), BARS)
    _fill(values, near & (column >= 7) & (column <= 11) & (column % 2 == 1), BARS)
    return Spins(*values)


def _fill(values: Tensor, where: Tensor, properties: tuple[float, ...] | list[float]) -> None:
    values[:, where] = torch.tensor(properties, dtype=torch.float64)[:, None]
