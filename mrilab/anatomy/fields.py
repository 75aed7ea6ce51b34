"""Smooth random fields: the raw material of deformation, texture, vessels, phase and receive bias."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

Device = torch.device | str


@lru_cache(maxsize=256)
def spline_basis(length: int, spacing: float, derivative: bool = False) -> Tensor:
    """Return the cubic B-spline basis on `length` pixels, a knot every `spacing` pixels: float32 (length, knots).

    Rows are scaled by sqrt(315/151), so that independent standard normal coefficients give a field of unit
    variance on average (151/315 is the mean over a knot interval of the sum of squared basis functions).
    With `derivative`, return the derivative of the same functions per pixel.
    """
    knots = int((length - 1) / spacing) + 4
    t = torch.arange(length, dtype=torch.float64)[:, None] / spacing + 1 - torch.arange(knots)  # (length, knots)
    a = t.abs()
    if derivative:
        inner, outer, scale = -2 * t + 1.5 * t * a, -0.5 * (2 - a) ** 2 * t.sign(), 1 / spacing
    else:
        inner, outer, scale = 2 / 3 - a**2 + a**3 / 2, (2 - a) ** 3 / 6, 1.0
    basis = torch.where(a < 1, inner, torch.where(a < 2, outer, 0.0))
    return (basis * scale * (315 / 151) ** 0.5).float()


@dataclass(frozen=True)
class Draws:
    """Draw numbers and smooth fields for `n` slices of `shape` = (H, W) pixels. The generator is on the CPU.

    With a `step`, in pixels, all are parallel slices of one head at that distance: they share the numbers, and their
    fields are smooth across them as well. Without it, each slice is another head.
    """

    n: int
    shape: tuple[int, int]
    generator: torch.Generator
    device: Device = "cpu"
    step: float | None = None

    def uniform(self, low: float, high: float) -> Tensor:
        """Draw a number (n, 1, 1) between `low` and `high` per head."""
        heads = self.n if self.step is None else 1
        drawn = torch.rand(heads, 1, 1, generator=self.generator).expand(self.n, 1, 1)
        return (low + (high - low) * drawn).to(self.device)

    def _splines(self, channels: int, spacing: float) -> tuple[Tensor, Tensor, Tensor]:
        """Draw coefficients (n, channels, knots, knots); return them after the bases (H, knots) and (W, knots)."""
        rows, columns = (spline_basis(length, float(spacing)).to(self.device) for length in self.shape)
        across = None if self.step is None else spline_basis(self.n, spacing / self.step)  # (n, knots)
        count = self.n if across is None else across.shape[1]
        coefficients = torch.randn(count, channels, rows.shape[1], columns.shape[1], generator=self.generator)
        if across is not None:
            coefficients = torch.einsum("nk,kcrs->ncrs", across, coefficients)
        return rows, columns, coefficients.to(self.device)

    def fields(self, channels: int, spacing: float) -> Tensor:
        """Draw Gaussian fields (n, channels, H, W) of mean 0 and variance 1, smooth over about `spacing` pixels."""
        rows, columns, coefficients = self._splines(channels, spacing)
        return rows @ coefficients @ columns.T

    def field(self, spacing: float) -> Tensor:
        """Draw a Gaussian field (n, H, W) as `fields` does."""
        return self.fields(1, spacing)[:, 0]

    def curves(self, channels: int, spacing: float) -> Tensor:
        """Draw meandering curves: the distance (n, channels, H, W) in pixels to the zero lines of a random field.

        The distance is of first order, |f| / |grad f|: accurate close to the curve, where it is used.
        """
        rows, columns, coefficients = self._splines(channels, spacing)
        d_rows, d_columns = (spline_basis(length, float(spacing), True).to(self.device) for length in self.shape)
        half = coefficients @ columns.T  # (n, channels, knots, W)
        slope = (d_rows @ half).square() + (rows @ (coefficients @ d_columns.T)).square()
        return (rows @ half).abs() / slope.sqrt().clamp_min(1e-3 / spacing)
