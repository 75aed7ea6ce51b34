"""A receive array for a lesson about one slice: all its loops lie in one row around the head.

`mrilab.anatomy.arrays.random_array` has two rows along z from 10 loops on, as clinical head coils do. In a slice across
z, loops of two rows at the same angle look nearly alike, so that 10 loops in two rows unfold it worse than 9 in one.
"""

import torch

from mrilab.anatomy.arrays import CORNERS, CoilArray

RADIUS = 0.6  # of the former, in fields of view
OVERLAP = 1.1  # radius of a loop over half the distance of neighbours


def ring_array(n_coils: int, generator: torch.Generator | None = None) -> CoilArray:
    """Place `n_coils` overlapping loops of one size on a circle around the slice, at jittered angles.

    The loops stand upright and face the centre. Their receivers have phases of their own.
    """

    def uniform(low: float, high: float, size: int = n_coils) -> torch.Tensor:
        return low + (high - low) * torch.rand(size, generator=generator, dtype=torch.float64)

    angle = 2 * torch.pi * (torch.arange(n_coils) + uniform(-0.15, 0.15)) / n_coils + uniform(0, 2 * torch.pi, 1)
    outwards = torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], -1)  # (coil, 3)
    tangent = torch.stack([-angle.sin(), angle.cos(), torch.zeros_like(angle)], -1)
    up = torch.tensor([0, 0, 1.0], dtype=torch.float64)
    around = 2 * torch.pi * torch.arange(CORNERS, dtype=torch.float64)[:, None] / CORNERS
    spokes = tangent[:, None] * around.cos() + up * around.sin()  # (coil, corner, 3)
    size = OVERLAP * torch.pi * RADIUS / max(n_coils, 4)
    gains = torch.polar(torch.ones(n_coils, dtype=torch.float64), uniform(0, 2 * torch.pi))
    return CoilArray(RADIUS * outwards[:, None] + size * spokes, gains)
