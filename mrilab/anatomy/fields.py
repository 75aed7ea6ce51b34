"""Smooth random fields: the raw material of deformation, texture, vessels, phase and receive bias."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def spline_basis(length: int, spacing: float, derivative: bool = False) -> Tensor:
    """Cubic B-spline basis on `length` pixels with one knot every `spacing` pixels, float32 (length, knots).

    Rows are scaled by sqrt(315/151), so that independent standard normal coefficients give a field of unit
    variance on average (151/315 is the mean over a knot interval of the sum of squared basis functions).
    With `derivative`, the derivative of the same functions per pixel.
    """
    knots = int((length - 1) / spacing) + 4
    t = torch.arange(length, dtype=torch.float64)[:, None] / spacing + 1 - torch.arange(knots)  # (length, knots)
    a = t.abs()
    if derivative:
        inner = -2 * t + 1.5 * t * a
        outer = -0.5 * (2 - a) ** 2 * t.sign()
        scale = 1 / spacing
    else:
        inner = 2 / 3 - a**2 + a**3 / 2
        outer = (2 - a) ** 3 / 6
        scale = 1.0
    basis = torch.where(a < 1, inner, torch.where(a < 2, outer, torch.zeros_like(a)))
    return (basis * scale * (315 / 151) ** 0.5).float()


def _draw(n: int, channels: int, shape, spacing, generator, device):
    rows, columns = (spline_basis(length, float(spacing)).to(device) for length in shape)
    coefficients = torch.randn(n, channels, rows.shape[1], columns.shape[1], generator=generator).to(device)
    return rows, columns, coefficients


def random_field(
    n: int, channels: int, shape: tuple[int, int], spacing: float, generator: torch.Generator, device="cpu"
) -> Tensor:
    """Zero-mean, unit-variance Gaussian fields (n, channels, H, W), smooth over about `spacing` pixels."""
    rows, columns, coefficients = _draw(n, channels, shape, spacing, generator, device)
    return rows @ coefficients @ columns.T


def random_curves(
    n: int, channels: int, shape: tuple[int, int], spacing: float, generator: torch.Generator, device="cpu"
) -> Tensor:
    """Distance in pixels, (n, channels, H, W), to the zero lines of a random field: meandering curves.

    First-order distance |f| / |grad f|, accurate close to the curve, which is where it is used.
    """
    rows, columns, coefficients = _draw(n, channels, shape, spacing, generator, device)
    d_rows, d_columns = (spline_basis(length, float(spacing), True).to(device) for length in shape)
    half = coefficients @ columns.T  # (n, channels, knots, W)
    slope = (d_rows @ half).square() + (rows @ (coefficients @ d_columns.T)).square()
    return (rows @ half).abs() / slope.sqrt().clamp_min(1e-3 / spacing)
