"""Which part of the k-space grid was acquired at all: zero padding, partial Fourier, asymmetric echoes, ellipses."""

import numpy as np
import torch
from torch import Tensor

FULL = 0.9  # smallest share of nonzero points of an area that counts as fully sampled
ROUNDED = 0.5  # smallest ratio of points with one zero component to points with two, where rounding made the zeros


def hull(line: Tensor) -> Tensor:
    """Return True from the first to the last True of a vector (n,)."""
    return (line.cumsum(0) > 0) & (line.flip(0).cumsum(0).flip(0) > 0)


def filled(measured: Tensor) -> Tensor:
    """Return the points (H, W) that lie between measured ones in their row and in their column.

    Of a rectangle or an ellipse these are the measured points themselves, of scattered points nearly all of the area.
    """
    between = [
        (measured.cumsum(axis) > 0) & (measured.flip(axis).cumsum(axis).flip(axis) > 0)  # (H, W)
        for axis in (0, 1)
    ]
    return between[0] & between[1]


def padded_columns(measured: Tensor, attrs: dict, header: dict) -> Tensor | None:
    """Return the acquired columns (W,) by attributes or header; None if they say nothing that can be true.

    `measured` (W,) tells the columns that hold anything. The attributes `padding_left` and `padding_right` are the
    first acquired column and the column after the last, as in fastMRI's own reader. The header's encoding limits count
    only where the data are indeed zero.
    """
    width = len(measured)
    left, right = (whole(attrs.get(key)) for key in ("padding_left", "padding_right"))
    stated = left is not None and right is not None
    if left is None or right is None:
        if header.get("encoded_matrix", (0, 0))[1] != width or not {"phase_centre", "phase_maximum"} <= {*header}:
            return None
        left = width // 2 - header["phase_centre"]
        right = left + header["phase_maximum"] + 1
    if not 0 <= left < right <= width:
        return None
    columns = torch.zeros(width, dtype=torch.bool)
    columns[left:right] = True
    return columns if stated or not measured[~columns].any() else None


def whole(value: object) -> int | None:
    """Return an attribute as a whole number, be it a number, an array of one, or text; None if it is none of these."""
    try:
        number = float(np.asarray(value).item())
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def rounded(kspace: Tensor, lines: Tensor) -> bool:
    """Tell whether zeros of k-space (slices, coil, H, W) in its `lines` (H, W) come from rounding to whole numbers.

    Where a component is rounded to zero with the probability p, both are with p^2 and one alone with 2 p (1 - p). Where
    points were left out, both are zero and hardly ever one alone.
    """
    zero = torch.view_as_real(kspace) == 0  # (slices, coil, H, W, 2)
    zero = zero[..., lines, :]  # (slices, coil, points, 2)
    both, one = zero.all(-1).sum(), (zero[..., 0] ^ zero[..., 1]).sum()
    return bool(one > ROUNDED * both)


def central_grid(acquired: Tensor, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest grid around DC, cropped as `centre_crop` does, that holds all acquired points.

    `acquired` is bool, broadcastable to `shape` (H, W). What lies outside is padding with zeros, which is not sampled
    and not missing either: it makes the image finer by interpolation.
    """
    acquired = acquired.expand(shape)
    return _reach(acquired.any(1)), _reach(acquired.any(0))


def _reach(line: Tensor) -> int:
    n = len(line)
    places = line.nonzero().flatten()
    before, after = n // 2 - int(places[0]), int(places[-1]) - n // 2 + 1  # points before DC; DC and those after it
    size = max(2 * before, 2 * after - 1)
    return min(n, max(size, 1))
