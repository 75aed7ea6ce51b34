"""A canvas in millimetres: smooth outlines, tubes and textures, painted over each other on any pixel grid.

Everything is a function of position, so the same seed draws the same anatomy on a coarse and on a fine grid.
Points are (x, y): x to the right, y down, the origin at pixel N // 2. Shapes are signed distances in mm, negative
inside, so that unions, cuts and layers of given thickness (cortex, cartilage, walls) are minima, maxima and sums.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mrilab.anatomy.arrays import pixel_coordinates
from mrilab.physics.signal import spin_echo

FAR = 12.0  # mm: distances to small shapes are exact up to here, and at least this beyond


def spline(points, closed: bool = True, steps: int = 4) -> Tensor:
    """Catmull-Rom curve through the points (n, 2 or more): (n * steps, ...) closed, else ((n - 1) * steps + 1)."""
    p = torch.as_tensor(points, dtype=torch.float32)
    if closed:
        before, after, beyond = p.roll(1, 0), p.roll(-1, 0), p.roll(-2, 0)
    else:
        padded = torch.cat([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
        before, p, after, beyond = (padded[i : len(padded) - 3 + i] for i in range(4))
    t = (torch.arange(steps) / steps)[:, None, None]
    curve = 0.5 * (
        2 * p
        + (after - before) * t
        + (2 * before - 5 * p + 4 * after - beyond) * t**2
        + (3 * p - before - 3 * after + beyond) * t**3
    )  # (steps, n, 2)
    curve = curve.transpose(0, 1).flatten(0, 1)
    return curve if closed else torch.cat([curve, after[-1:]])


class Canvas:
    """Signal (H, W) and labels (H, W) under the brush; (x, y) are the positions of the pixels in the template."""

    def __init__(self, shape: tuple[int, int], fov: tuple[float, float], generator: torch.Generator | None):
        """`fov` is (height, width) in mm."""
        self.generator, self.pixel = generator, min(f / n for f, n in zip(fov, shape, strict=True))
        self.reach = max(fov)
        y, x = pixel_coordinates(shape, fov)
        self.y, self.x = (c.expand(shape).clone() for c in (y, x))
        self.signal = torch.zeros(shape)
        self.labels = torch.zeros(shape, dtype=torch.int64)
        # how obliquely the slice cuts borders: some are sharp, others blend over millimetres
        self.softness = torch.exp(0.6 * self.noise(0.1 * self.reach).clamp(-2, 2))

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=self.generator).item()

    def normal(self, *size: int) -> Tensor:
        return torch.randn(*size, generator=self.generator).clamp(-2.5, 2.5)

    def place(self, rotation: float, scale: tuple[float, float], shift: tuple[float, float]) -> None:
        """Turn (rad), then stretch (x, y), then move (x, y) in mm: what is drawn from now on."""
        x, y = self.x - shift[0], self.y - shift[1]
        c, s = math.cos(rotation), math.sin(rotation)
        self.x, self.y = (c * x + s * y) / scale[0], (c * y - s * x) / scale[1]

    def deform(self, amplitude: float, scale: float) -> None:
        """A smooth random displacement of about `amplitude` mm that changes over `scale` mm."""
        dx, dy = amplitude * self.noise(scale), amplitude * self.noise(scale)
        self.x, self.y = self.x + dx, self.y + dy

    def noise(self, along: float, across: float | None = None, angle: float = 0.0) -> Tensor:
        """Gaussian noise (H, W) of about unit variance, smooth over `along` and `across` mm.

        `along` runs at `angle` (rad) from x towards y: muscle fibres, trabeculae.
        """
        across = along if across is None else across
        c, s = math.cos(angle), math.sin(angle)
        u, v = (c * self.x + s * self.y) / along, (c * self.y - s * self.x) / across
        n = [2 * math.ceil(0.75 * self.reach / scale) + 6 for scale in (across, along)]
        table = torch.randn(1, 1, *n, generator=self.generator)
        grid = torch.stack([2 * u / (n[1] - 1), 2 * v / (n[0] - 1)], -1)[None]
        # cubic interpolation between independent knots averages: 1.25 brings the mean variance back to one
        return 1.25 * grid_sample(table, grid, "bicubic", "reflection", align_corners=True)[0, 0]

    def shape(self, points, jitter: float = 0.0, closed_spline: bool = True) -> Tensor:
        """Signed distance (H, W) to the smooth closed outline through `points`, each moved by `jitter` mm."""
        points = torch.as_tensor(points, dtype=torch.float32)
        points = points + jitter * self.normal(*points.shape)
        return self._distance(spline(points) if closed_spline else points, None)

    def ellipse(self, x: float, y: float, a: float, b: float, angle: float = 0.0, bumps: float = 0.0) -> Tensor:
        """Signed distance to an ellipse of semi-axes a, b (mm) turned by `angle`; `bumps` roughens it, in mm."""
        t = torch.arange(10) * (2 * math.pi / 10)
        u, v = a * t.cos(), b * t.sin()
        c, s = math.cos(angle), math.sin(angle)
        return self.shape(torch.stack([x + c * u - s * v, y + s * u + c * v], -1), bumps)

    def tube(self, points, width, jitter: float = 0.0) -> Tensor:
        """Signed distance to a tube along a smooth open curve; `width` is one value or one per point, in mm."""
        points = torch.as_tensor(points, dtype=torch.float32)
        points = points + jitter * self.normal(*points.shape)
        radius = 0.5 * torch.as_tensor(width, dtype=torch.float32).expand(len(points))
        return self._distance(*spline(torch.cat([points, radius[:, None]], 1), closed=False).split([2, 1], 1))

    def _distance(self, curve: Tensor, radius: Tensor | None) -> Tensor:
        """To a polygon (radius None, negative inside) or to an open line of varying radius."""
        margin = FAR + (0 if radius is None else radius.max().item())
        (x0, y0), (x1, y1) = (curve.amin(0) - margin).tolist(), (curve.amax(0) + margin).tolist()
        near = (self.x > x0) & (self.x < x1) & (self.y > y0) & (self.y < y1)
        out = torch.full_like(self.x, FAR)
        if not near.any():
            return out
        rows, columns = near.any(1).nonzero()[:, 0], near.any(0).nonzero()[:, 0]
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        x, y = self.x[box], self.y[box]
        best = torch.full_like(x, torch.inf)
        inside = torch.zeros_like(x, dtype=torch.bool)
        pairs = zip(curve.tolist(), (curve.roll(-1, 0) if radius is None else curve[1:]).tolist(), strict=False)
        for i, ((ax, ay), (bx, by)) in enumerate(pairs):
            ex, ey = bx - ax, by - ay
            px, py = x - ax, y - ay
            t = ((px * ex + py * ey) / max(ex * ex + ey * ey, 1e-12)).clamp_(0, 1)
            distance = torch.hypot(px - t * ex, py - t * ey)
            if radius is None:
                if ay != by:  # the ray to the right crosses this edge
                    inside ^= ((y >= ay) != (y >= by)) & (px < py * (ex / ey))
            else:
                distance -= radius[i] + t * (radius[i + 1] - radius[i])
            torch.minimum(best, distance, out=best)
        out[box] = torch.where(inside, -best, best)
        return out

    def paint(
        self, label: int | None, distance: Tensor, value: Tensor | float, edge: float = 0.5, opacity: float = 1.0
    ) -> None:
        """Cover what lies inside; borders blend over `edge` mm (partial volume), at least over one pixel."""
        cover = opacity * (0.5 - distance / (edge * self.softness).clamp(min=self.pixel)).clamp(0, 1)
        self.signal += cover * (value - self.signal)
        if label is not None:
            self.labels[distance < 0] = label

    def fractal(self, scale: float, octaves: int = 3, persistence: float = 0.7) -> Tensor:
        """Noise (H, W) of about unit variance with structure at scale, scale / 2, ... mm."""
        weights = [persistence**i for i in range(octaves)]
        total = sum(w * self.noise(scale / 2**i) for i, w in enumerate(weights))
        return total / math.sqrt(sum(w**2 for w in weights))

    @cached_property
    def grain(self) -> Tensor:
        """One fractal texture that all small structures share; drawn at its first use, so after the deformation."""
        return self.fractal(0.025 * self.reach, 4)

    def septa(self, scale: float, width: float = 0.12) -> Tensor:
        """Fine broken lines (H, W), up to 1 on a line and 0 away from it: the zero lines of a random field."""
        return torch.exp(-((self.noise(scale) / width) ** 2)) * (0.3 + 0.6 * self.noise(1.3 * scale)).clamp(0, 1)

    def image(self, phase: float = 1.0) -> Tensor:
        """Complex image (H, W): the signal with a smooth background phase that varies by about `phase` rad."""
        turns = phase * (0.6 * self.noise(0.45 * self.reach) + 0.25 * self.noise(0.15 * self.reach))
        ramp = phase / self.reach * sum(g * c for g, c in zip(self.normal(2), (self.x, self.y), strict=True))
        return torch.polar(self.signal.clamp(min=0), turns + ramp + self.uniform(-math.pi, math.pi))


def tissue_signals(
    tissues: dict[str, tuple[float, float, float, bool]],
    tr: float,
    te: float,
    fat: float,
    generator: torch.Generator | None,
) -> dict[str, float]:
    """Spin-echo signal per tissue from {name: (T1 ms, T2 ms, proton density, is it fat)}, each spread by 6 %.

    `fat` is the part of the fat signal that is left: 1, or less with fat suppression. TR and TE in ms.
    """
    table = {}
    for name, (t1, t2, pd, is_fat) in tissues.items():
        spread = torch.exp(0.06 * torch.randn(3, generator=generator).clamp(-2, 2)).tolist()
        value = spin_echo(pd * spread[0], t1 * spread[1], t2 * spread[2], tr, te)
        table[name] = float(value) * (fat if is_fat else 1.0)
    return table
