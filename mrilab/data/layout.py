"""Does stored k-space lie as the layout says? Where axes or DC seem to be elsewhere, say so: a wrong image is worse."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mrilab.errors import UserError

MANY = 32  # more coils than this, on a plane that is much shorter than their number, are not coils
BLOCK = 4  # points a side that are compared around the corner and around the middle
LOUDER = 4.0  # how much more energy a corner has than the middle where DC lies there


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
            f"`kspace` in {path} would have {coils} coils of {height} x {width} points; its axes must be "
            "(slices, coils, H, W): transpose it and write it again"
        )
    if images == coils != slices:
        raise UserError(
            f"`kspace` in {path} has {slices} slices of {coils} coils, but {images} images are stored beside it; its "
            "axes must be (slices, coils, H, W): swap the first two and write it again"
        )


def note_corner(kspace: Tensor, path: Path) -> None:
    """Warn where the energy of k-space (slices, coil, H, W) lies around (0, 0), and not around (H // 2, W // 2)."""
    energy = torch.view_as_real(kspace).square().sum((0, 1, -1))  # (H, W)
    height, width = energy.shape
    around_corner = energy.roll((BLOCK // 2, BLOCK // 2), (0, 1))[:BLOCK, :BLOCK].sum()
    middle = energy.roll((BLOCK // 2 - height // 2, BLOCK // 2 - width // 2), (0, 1))[:BLOCK, :BLOCK].sum()
    if around_corner > LOUDER * middle:
        warnings.warn(
            f"{path}: the energy of k-space lies in its corners, so DC seems to be at (0, 0); it is read as if "
            "DC were in the middle. Write numpy.fft.fftshift(kspace, axes=(-2, -1)) instead",
            stacklevel=3,
        )
