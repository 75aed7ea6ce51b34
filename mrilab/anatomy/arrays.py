"""Receive arrays: wire loops around the body, their sensitivities by the law of Biot and Savart.

By reciprocity a loop receives what it would send out. Its sensitivity is the rotating part Bx - i By of the field
of a unit current in it (Hoult & Richards, J. Magn. Reson. 24, 1976), for a main field along z, across the slice.
Lengths are in fields of view: the slice spans [-1/2, 1/2), its centre is pixel N // 2. An array is a set of loops,
not of pixels, so that it can be sampled on a fine grid (to simulate) and on a coarse grid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.errors import UserError

CORNERS = 12  # number of corners of a loop, a regular polygon
WIRE = 0.04  # softening length in fields of view: keeps the field finite where a wire cuts the slice


@dataclass(frozen=True)
class CoilArray:
    """Hold the loops' corners (coil, corner, xyz) and the complex gains (coil,) of their receivers."""

    corners: Tensor
    gains: Tensor

    def sensitivities(self, shape: tuple[int, int], fov: tuple[float, float] = (1.0, 1.0)) -> Tensor:
        """Return what the loops receive at the pixels: complex64 (coil, H, W), brighter towards the loops."""
        y, x = pixel_coordinates(shape, fov)
        return self.gains.to(torch.complex64)[:, None, None] * loop_field(self.corners.float(), x, y)

    def maps(self, shape: tuple[int, int], fov: tuple[float, float] = (1.0, 1.0)) -> Tensor:
        """Return the true maps, complex64 (coil, H, W): sensitivities over their root sum of squares."""
        s = self.sensitivities(shape, fov)
        return s / torch.linalg.vector_norm(s, dim=0)


def pixel_coordinates(shape: tuple[int, int], fov: tuple[float, float] = (1.0, 1.0)) -> tuple[Tensor, Tensor]:
    """Return positions (H, 1) downwards and (1, W) to the right in [-fov/2, fov/2), zero at pixel N // 2."""
    (height, width), (fy, fx) = shape, fov
    y = (torch.arange(height) - height // 2) * (fy / height)
    x = (torch.arange(width) - width // 2) * (fx / width)
    return y[:, None], x[None, :]


def loop_field(corners: Tensor, x: Tensor, y: Tensor, wire: float = WIRE) -> Tensor:
    """Return Bx - i By (coil, H, W) at (x, y, 0) of closed polygons (coil, corner, 3) with a unit current.

    A straight segment between the vectors a and b that point from the pixel to its ends has the closed form
        B = (a x b) (|a| + |b|) / (|a| |b| (|a| |b| + a . b))      times mu0 / 4 pi
    (Hanson & Hirshman, Phys. Plasmas 9, 2002). `wire` is added to the lengths in quadrature.
    """
    rays = []  # from the pixels to each corner
    for corner in corners.unbind(1):  # (coil, 3)
        cx, cy, cz = corner[..., None, None].unbind(1)  # (coil, 1, 1)
        ax, ay, az = cx - x, cy - y, cz  # (coil, 1, W), (coil, H, 1), (coil, 1, 1)
        rays.append((ax, ay, az, (ax**2 + ay**2 + az**2 + wire**2).sqrt()))  # length (coil, H, W)
    real = imag = torch.zeros((), dtype=corners.dtype)
    for (ax, ay, az, la), (bx, by, bz, lb) in zip(rays, rays[1:] + rays[:1], strict=True):
        product = la * lb
        weight = (la + lb) / (product * (product + ax * bx + ay * by + az * bz + wire**2))
        real = real + (ay * bz - az * by) * weight
        imag = imag - (az * bx - ax * bz) * weight
    return torch.complex(real, imag)


def random_array(n_coils: int = 8, generator: torch.Generator | None = None) -> CoilArray:
    """Draw `n_coils` overlapping loops on an oval former around the body, from 10 on in two rows along z.

    Positions, sizes and tilts jitter, receivers have their own gain and phase. Gains are scaled so that the
    root sum of squares averages 1 (in quadrature) over the central disc of radius 0.4.

    Raises:
        UserError: fewer than one loop.
    """
    if n_coils < 1:
        raise UserError(f"A coil array needs at least one element, not {n_coils}: ask for 8 to 16.")

    def uniform(low: float, high: float, size: int = n_coils) -> Tensor:
        return low + (high - low) * torch.rand(size, generator=generator, dtype=torch.float64)

    rows = 2 if n_coils >= 10 else 1
    index = torch.arange(n_coils, dtype=torch.float64)
    # rows are filled alternately, so that neighbours in angle lie in different rows and overlap, like bricks
    angle = 2 * torch.pi * (index + uniform(-0.15, 0.15)) / n_coils + uniform(0, 2 * torch.pi, 1)
    oval = uniform(0.54, 0.66, 2)
    row = 0.17 * (2 * (index % 2) - 1) if rows == 2 else 0.0
    z = row + uniform(-0.06, 0.06) + uniform(-0.05, 0.05, 1)
    radius = 1.1 * torch.pi * oval.mean() / max(n_coils / rows, 4) * uniform(0.85, 1.15)

    # two axes span the plane of each loop; both are tilted
    tilt_in, tilt_z = uniform(-0.25, 0.25), uniform(-0.25, 0.25)
    turn = angle + tilt_in
    tangent = torch.stack([-turn.sin(), turn.cos(), torch.zeros_like(turn)], -1)
    up = torch.stack([tilt_z.sin() * turn.cos(), tilt_z.sin() * turn.sin(), tilt_z.cos()], -1)
    centre = torch.stack([oval[0] * angle.cos(), oval[1] * angle.sin(), z], -1)  # (coil, 3)
    around = 2 * torch.pi * torch.arange(CORNERS, dtype=torch.float64)[:, None] / CORNERS
    spokes = tangent[:, None] * around.cos() + up[:, None] * around.sin()  # (coil, corner, 3)
    corners = centre[:, None] + radius[:, None, None] * spokes

    array = CoilArray(corners, torch.polar(uniform(0.8, 1.2), uniform(0, 2 * torch.pi)))
    y, x = pixel_coordinates((32, 32))
    power = array.sensitivities((32, 32)).abs().square().sum(0)[x**2 + y**2 < 0.4**2].mean().double()
    return CoilArray(corners, array.gains / power.sqrt())
