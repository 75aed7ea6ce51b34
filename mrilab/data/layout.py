"""Does stored k-space lie as the layout says? Where axes or DC seem to be elsewhere, say so: a wrong image is worse."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mrilab.errors import UserError

AXES = ("slices", "coils", "readout", "phase")
MANY = 32  # more coils than this, on a plane that is much shorter than their number, are not coils
NEAR = 2  # points by which the peak of k-space may lie beside the middle: gradient echoes of real scans have 1 or 2
STANDS_OUT = 50.0  # energy of the 3 x 3 points of a peak over the mean of all; an echo has hundreds


def axis_order(axes: str | None, ndim: int, path: Path) -> tuple[int, ...]:
    """Return where the stored axes of k-space are, in the order of AXES, for text as "coils,slices,readout,phase".

    Without a text the axes are in the order of AXES. Data of rank 3 have no coils.

    Raises:
        UserError: names that are not those of the axes, each once.
    """
    wanted = AXES if ndim == 4 else tuple(name for name in AXES if name != "coils")
    names = list(wanted) if axes is None else [name.strip() for name in axes.split(",")]
    if sorted(names) != sorted(wanted):
        raise UserError(f"--axes {axes} does not fit `kspace` in {path}; give {', '.join(wanted)} in the stored order")
    return tuple(names.index(name) for name in wanted)


def check_axes(shape: Sequence[int], images: int | None, path: Path) -> None:
    """Check the shape of k-space, (slices, coil, H, W) or (slices, H, W), beside the number of stored `images`.

    Raises:
        UserError: axes that seem to be in another order.
    """
    if len(shape) != 4:
        return
    slices, coils, height, width = shape
    if coils > MANY and coils > 2 * min(height, width):
        raise UserError(
            f"`kspace` in {path} would have {coils} coils of {height} x {width} points; if its axes are in another "
            "order than slices,coils,readout,phase, name them with --axes"
        )
    if images == coils != slices:
        raise UserError(
            f"`kspace` in {path} has {slices} slices of {coils} coils, but {images} images are stored beside it; if "
            "the coils come first, give --axes coils,slices,readout,phase"
        )


def check_header(shape: Sequence[int], header: Mapping, path: Path) -> None:
    """Check the plane (..., H, W) of k-space against the encoded matrix of the header, readout first.

    Raises:
        UserError: the matrix fits only if phase encoding comes first.
    """
    (height, width), matrix = shape[-2:], header.get("encoded_matrix")
    if height != width and matrix and (height, width) == (matrix[1], matrix[0]):
        raise UserError(
            f"`kspace` in {path} has planes of {height} x {width}, but its header has {matrix[0]} readout points and "
            f"{matrix[1]} phase-encoding lines; give --axes slices,coils,phase,readout, or --axes "
            "slices,coils,readout,phase if the header is wrong"
        )


def echo_shift(kspace: Tensor, measured: Tensor) -> tuple[int, int]:
    """Return by how many rows and columns the peak of k-space (slices, coil, H, W) lies from (H // 2, W // 2).

    An axis on which it lies NEAR or less from there counts as 0: phase across the object moves it by so much. Both are
    0 where the points around the peak are not all `measured` (H, W), since the true peak may then be another.
    """
    energy = torch.view_as_real(kspace).square().sum((0, 1, -1))  # (H, W)
    height, width = energy.shape
    row, column = divmod(int(energy.argmax()), width)
    off = (row - height // 2, column - width // 2)
    around, peak = (each.roll((1 - row, 1 - column), (0, 1))[:3, :3] for each in (measured, energy))
    if not around.all() or peak.mean() < STANDS_OUT * energy[measured].mean():
        return 0, 0
    down, right = (shift if abs(shift) > NEAR else 0 for shift in off)
    return down, right


def note_echo(shift: tuple[int, int], shape: tuple[int, int], path: Path) -> None:
    """Warn that k-space of `shape` (H, W) was moved by `shift`, so that its peak is in the middle."""
    place = tuple(n // 2 + moved for n, moved in zip(shape, shift, strict=True))
    middle = (shape[0] // 2, shape[1] // 2)
    warnings.warn(
        f"{path}: the energy of k-space peaks at about {place}, not at {middle}, so it was moved there: calibration "
        "lines are taken around the echo, and only the phase of the image changes",
        stacklevel=3,
    )
