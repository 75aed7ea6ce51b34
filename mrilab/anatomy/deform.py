"""Where a slice lies in the template: position, tilt, size, and a smooth deformation that makes each head different.

Template coordinates are MNI millimetres: x to the right, y to the front, z up. Images are shown as a radiologist
sees them: axial with the face up, coronal and sagittal with the vertex up, the subject's left on the right.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.fields import Device, Draws
from mrilab.errors import UserError

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
PLANES = TABLES["planes"]
HEAD_RADIUS = 95.0  # radius in mm within which a slice may show the head


@dataclass(frozen=True)
class Variation:
    """How far heads and slice prescriptions differ: standard deviations, lengths in mm, angles in degrees."""

    field_of_view: tuple[float, float]  # smallest and largest, along the rows, drawn uniformly
    shift: float
    rotation: float
    quarter_turns: bool
    tilt: float
    size: float
    elastic: tuple[tuple[float, float], ...]  # knot spacing, shift


CLINICAL, RANDOMISED = (Variation(**TABLES["variations"][name]) for name in ("clinical", "randomised"))


@dataclass(frozen=True)
class Slices:
    """Hold the template points (n, H, W, 3) of `n` slices and the size of a pixel (n,), both in mm.

    `thickness` is in mm where they are contiguous slices of one head, and None where each is of another head.
    """

    points: Tensor
    pixel: Tensor
    orientation: tuple[str, ...]
    thickness: float | None = None

    def draws(self, generator: torch.Generator) -> Draws:
        """Return what draws numbers and fields for these slices."""
        n, height, width, _ = self.points.shape
        step = None if self.thickness is None else self.thickness / float(self.pixel.mean())
        return Draws(n, (height, width), generator, self.points.device, step)


def _rotation(tilt_row: Tensor, tilt_column: Tensor, turn: Tensor) -> Tensor:
    """Return the rotation (n, 3, 3) in slice coordinates (row, column, normal) by angles (n,) in radians."""

    def turned(i: int, j: int, angle: Tensor) -> Tensor:  # axis i towards axis j
        matrix = torch.eye(3).repeat(len(angle), 1, 1)
        matrix[:, i, i] = matrix[:, j, j] = angle.cos()
        matrix[:, i, j], matrix[:, j, i] = -angle.sin(), angle.sin()
        return matrix

    return turned(1, 2, tilt_row) @ turned(2, 0, tilt_column) @ turned(0, 1, turn)


def _place_in_segments(
    through: Tensor,
    in_head: Tensor,
    orientation: tuple[str, ...],
    part: str,
    generator: torch.Generator,
    margin: float = 0.0,
) -> Tensor:
    """Move each slice's through-plane coordinate (n, H, W) wholly into one free segment of its orientation.

    A segment is drawn in proportion to its length. A slice whose part `in_head` (n, H, W) is more oblique than the
    segment is long is flattened until it fits. The corners, which hold only air, are bent into it. This makes
    "training never shows the slab" exact and not just likely. The segments are shorter by `margin` at both ends.
    """
    bounds = []
    for name in orientation:
        segments = torch.tensor(PLANES[name][part]) + torch.tensor([margin, -margin])
        lengths = (segments[:, 1] - segments[:, 0]).clamp_min(0)
        if not lengths.any():
            raise UserError(
                f"{2 * margin:g} mm of slices do not fit into the {name} part {part!r}; take fewer or thinner"
            )
        chosen = int(torch.multinomial(lengths, 1, generator=generator))
        bounds.append(segments[chosen])
    low, high = torch.stack(bounds).to(through).T  # each (n,)
    position = low + (high - low) * torch.rand(len(orientation), generator=generator).to(through)
    head_only = through * in_head  # zero, the mean, elsewhere
    least, most = head_only.amin((-2, -1)), head_only.amax((-2, -1))
    flatten = ((high - low) / (most - least).clamp_min(1e-6)).clamp_max(1)
    through = through * flatten[:, None, None]
    position = torch.maximum(torch.minimum(position, high - most * flatten), low - least * flatten)
    moved = through + position[:, None, None]
    return torch.minimum(torch.maximum(moved, low[:, None, None]), high[:, None, None])


def place_slices(
    n: int,
    shape: tuple[int, int],
    orientation: str | None,
    part: str,
    variation: Variation,
    generator: torch.Generator,
    device: Device = "cpu",
    thickness: float | None = None,
) -> Slices:
    """Draw `n` slices of `n` different heads, or `n` contiguous slices of one head.

    Args:
        shape: (H, W) of the grid; pixel (i, j) lies (i - H//2, j - W//2) pixels from the centre of the slice.
        orientation: axial, coronal, sagittal, or None for a mixture.
        part: "seen" or "slab", the part of the template in which the slice lies.
        thickness: that of the slices of one head in mm; None draws a head for each slice.

    Raises:
        UserError: unknown orientation; more slices of one head than fit into any segment of the part.
    """
    if orientation is not None and orientation not in PLANES:
        raise UserError(f"unknown orientation {orientation!r}; choose one of {', '.join(PLANES)}")
    height, width = shape
    heads = n if thickness is None else 1

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator).clamp(-2.5, 2.5)

    if orientation is None:
        names = tuple(tuple(PLANES)[i] for i in torch.randint(3, (heads,), generator=generator).tolist())
    else:
        names = (orientation,) * heads
    low, high = variation.field_of_view
    pixel = (low + (high - low) * torch.rand(heads, generator=generator)) / height  # (heads,)
    angles = torch.deg2rad(normal(3, heads) * torch.tensor([[variation.tilt], [variation.tilt], [variation.rotation]]))
    if variation.quarter_turns:
        angles[2] += torch.randint(4, (heads,), generator=generator) * (torch.pi / 2)
    frame = torch.tensor([PLANES[name]["frame"] for name in names], dtype=torch.float32).mT  # (heads, 3, 3)
    stretch = torch.diag_embed(torch.exp(variation.size * normal(heads, 3)))
    mirror = torch.ones(heads, 3)
    mirror[:, 0] = 1 - 2.0 * torch.randint(2, (heads,), generator=generator)
    matrix = torch.diag_embed(mirror) @ stretch @ frame @ _rotation(*angles)  # (heads, 3, 3)
    centre = torch.tensor([PLANES[name]["centre"] for name in names]) + variation.shift * normal(heads, 3)

    names, pixel = names * (n // heads), pixel.expand(n)
    matrix, centre = matrix.expand(n, 3, 3), centre.expand(n, 3)
    # from the middle of the slices of a head to each of them, along their normal: (n, 3) template mm
    position = torch.arange(n // heads) - (n // heads - 1) / 2
    shift = (thickness or 0.0) * position[:, None] * matrix[:, :, 2]

    rows = torch.arange(height, dtype=torch.float32) - height // 2
    columns = torch.arange(width, dtype=torch.float32) - width // 2
    plane = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).to(device)  # (H, W, 2)
    in_plane = (matrix[:, :, :2] * pixel[:, None, None]).to(device)  # (n, 3, 2)
    points = torch.einsum("nkc,hwc->nkhw", in_plane, plane) + (centre + shift).to(device)[:, :, None, None]
    nominal = sum(variation.field_of_view) / 2 / height
    draws = Draws(n, shape, generator, device, None if thickness is None else thickness / nominal)
    for spacing, strength in variation.elastic:
        points += strength * draws.fields(3, spacing / nominal)

    axis = torch.tensor([PLANES[name]["normal"] for name in names], device=device)
    index = axis[:, None, None, None].expand(n, 1, height, width)
    through = points.gather(1, index)[:, 0]  # (n, H, W)
    through = through - through.mean((-2, -1), keepdim=True)
    in_head = (plane.square().sum(-1) * pixel.to(device)[:, None, None] ** 2) < HEAD_RADIUS**2  # (n, H, W)
    lift = shift.to(device).gather(1, axis[:, None])[:, :, None]  # (n, 1, 1)
    placed = _place_in_segments(
        through.reshape(heads, -1, width),  # the slices of a head move together, so they are one tall slice here
        in_head.reshape(heads, -1, width),
        names[:heads],
        part,
        generator,
        float(lift.abs().max()),
    )
    points.scatter_(1, index, (placed.reshape(n, height, width) + lift)[:, None])
    return Slices(points.permute(0, 2, 3, 1), pixel.to(device), names, thickness)
