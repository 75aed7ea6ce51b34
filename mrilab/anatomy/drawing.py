"""A canvas in millimetres: smooth outlines, tubes and textures, painted over each other on any pixel grid.

Everything is a function of position, so the same seed draws the same anatomy on a coarse and on a fine grid.
Points are (x, y): x to the right, y down, the origin at pixel N // 2. Shapes are signed distances in mm, negative
inside, so that unions, cuts and layers of given thickness (cortex, cartilage, walls) are minima, maxima and sums.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property, reduce

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mrilab.anatomy.arrays import pixel_coordinates
from mrilab.physics.signal import spin_echo

FAR = 12.0  # largest distance in mm that is exact for small shapes; beyond it, distances are at least this

Points = Sequence[tuple[float, float]] | Tensor  # (x, y) in mm; as a tensor (n, 2)
Signals = dict[str, float]  # spin-echo signal of each tissue


def spline(points: Points, closed: bool = True, steps: int = 4) -> Tensor:
    """Return the Catmull-Rom curve through the points (n, 2 or more).

    Its shape is (n * steps, ...) if closed, else ((n - 1) * steps + 1, ...).
    """
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


def cut(*distances: Tensor) -> Tensor:
    """Return the signed distance (H, W) to what lies in all shapes: the maximum of theirs."""
    return reduce(torch.maximum, distances)


class Canvas:
    """Signal (H, W) and labels (H, W) under the brush; (x, y) are the positions of the pixels in the template."""

    def __init__(
        self, shape: tuple[int, int], side: float, generator: torch.Generator | None, structures: Sequence[str]
    ) -> None:
        """Prepare an empty square of `side` mm. Labels are positions in `structures`."""
        self.generator, self.structures, self.side = generator, structures, side
        self.pixel = side / max(shape)
        y, x = pixel_coordinates(shape, (side, side))
        self.y, self.x = (c.expand(shape).clone() for c in (y, x))
        self.signal = torch.zeros(shape)
        self.labels = torch.zeros(shape, dtype=torch.int64)
        # how obliquely the slice cuts borders: some are sharp, others blend over millimetres
        self.softness = torch.exp(0.6 * self.noise(0.1 * self.side).clamp(-2, 2))

    def uniform(self, low: float, high: float) -> float:
        """Draw a number between `low` and `high`."""
        return low + (high - low) * torch.rand((), generator=self.generator).item()

    def normal(self, *size: int) -> Tensor:
        """Draw standard normal numbers, cut off at 2.5 standard deviations."""
        return torch.randn(*size, generator=self.generator).clamp(-2.5, 2.5)

    def place(self, rotation: float, scale: tuple[float, float], shift: tuple[float, float]) -> None:
        """Turn (rad), then stretch (x, y), then move (x, y) in mm what is drawn from now on."""
        x, y = self.x - shift[0], self.y - shift[1]
        c, s = math.cos(rotation), math.sin(rotation)
        self.x, self.y = (c * x + s * y) / scale[0], (c * y - s * x) / scale[1]

    def deform(self, *scales: tuple[float, float]) -> None:
        """Displace smoothly by about an amplitude, over a scale, for each (amplitude, scale) in mm."""
        for amplitude, scale in scales:
            dx, dy = amplitude * self.noise(scale), amplitude * self.noise(scale)
            self.x, self.y = self.x + dx, self.y + dy

    def noise(self, along: float, across: float | None = None, angle: float = 0.0) -> Tensor:
        """Draw Gaussian noise (H, W) of about unit variance, smooth over `along` and `across` mm.

        `along` runs at `angle` (rad) from x towards y, as muscle fibres and trabeculae do.
        """
        across = along if across is None else across
        c, s = math.cos(angle), math.sin(angle)
        u, v = (c * self.x + s * self.y) / along, (c * self.y - s * self.x) / across
        n = [2 * math.ceil(0.75 * self.side / scale) + 6 for scale in (across, along)]
        table = torch.randn(1, 1, *n, generator=self.generator)
        grid = torch.stack([2 * u / (n[1] - 1), 2 * v / (n[0] - 1)], -1)[None]
        # cubic interpolation between independent knots averages: 1.25 brings the mean variance back to one
        return 1.25 * grid_sample(table, grid, "bicubic", "reflection", align_corners=True)[0, 0]

    def shape(self, points: Points, jitter: float = 0.0) -> Tensor:
        """Return the signed distance (H, W) to a smooth closed outline. Each point moves by `jitter` mm."""
        return self.distance(spline(self._jittered(points, jitter)))

    def ellipse(self, x: float, y: float, a: float, b: float, angle: float = 0.0, bumps: float = 0.0) -> Tensor:
        """Return the distance to an ellipse of semi-axes a, b (mm), turned by `angle` and roughened by `bumps` mm."""
        t = torch.arange(10) * (2 * math.pi / 10)
        u, v = a * t.cos(), b * t.sin()
        c, s = math.cos(angle), math.sin(angle)
        return self.shape(torch.stack([x + c * u - s * v, y + s * u + c * v], -1), bumps)

    def tube(self, points: Points, width: float | Sequence[float], jitter: float = 0.0) -> Tensor:
        """Return the distance to a tube along a smooth open curve. `width` is one value or one per point, in mm."""
        points = self._jittered(points, jitter)
        radius = 0.5 * torch.as_tensor(width, dtype=torch.float32).expand(len(points))
        curve, radius = spline(torch.cat([points, radius[:, None]], 1), closed=False).split([2, 1], 1)
        return self.distance(curve, radius)

    def _jittered(self, points: Points, jitter: float) -> Tensor:
        points = torch.as_tensor(points, dtype=torch.float32)
        return points + jitter * self.normal(*points.shape)  # drawn even without jitter, so that all seeds agree

    def distance(self, curve: Tensor, radius: Tensor | None = None) -> Tensor:
        """Return the distance (H, W) to a polygon (n, 2), negative inside, or to an open line of varying radius."""
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
        self, structure: str | None, distance: Tensor, value: Tensor | float, edge: float = 0.5, opacity: float = 1.0
    ) -> None:
        """Cover what lies inside, and label it. Borders blend over `edge` mm (partial volume), at least one pixel."""
        cover = opacity * (0.5 - distance / (edge * self.softness).clamp(min=self.pixel)).clamp(0, 1)
        self.signal += cover * (value - self.signal)
        if structure is not None:
            self.labels[distance < 0] = self.structures.index(structure)

    def fractal(self, scale: float, octaves: int = 3, persistence: float = 0.7) -> Tensor:
        """Draw noise (H, W) of about unit variance with structure at scale, scale / 2, ... mm."""
        weights = [persistence**i for i in range(octaves)]
        total = sum((w * self.noise(scale / 2**i) for i, w in enumerate(weights)), torch.zeros(()))
        return total / math.sqrt(sum(w**2 for w in weights))

    @cached_property
    def grain(self) -> Tensor:
        """A fractal texture that all small structures share; drawn at its first use, so after the deformation."""
        return self.fractal(0.025 * self.side, 4)

    def septa(self, scale: float, width: float = 0.12) -> Tensor:
        """Draw fine broken lines (H, W), 1 on a line and 0 away from it: the zero lines of a random field."""
        return torch.exp(-((self.noise(scale) / width) ** 2)) * (0.3 + 0.6 * self.noise(1.3 * scale)).clamp(0, 1)

    def image(self, phase: float = 1.0) -> Tensor:
        """Return the signal (H, W) as a complex image. Its smooth background phase varies by about `phase` rad."""
        turns = phase * (0.6 * self.noise(0.45 * self.side) + 0.25 * self.noise(0.15 * self.side))
        right, down = self.normal(2)
        ramp = phase / self.side * (right * self.x + down * self.y)
        return torch.polar(self.signal.clamp(min=0), turns + ramp + self.uniform(-math.pi, math.pi))


def tissue_signals(
    tissues: Mapping[str, tuple[float, float, float]], tr: float, te: float, generator: torch.Generator | None
) -> Signals:
    """Return the spin-echo signal of each tissue, with relaxation times and density spread by 6 %.

    `tissues` holds T1 and T2 in ms and the proton density; `tr` and `te` are in ms.
    """
    table = {}
    for name, (t1, t2, pd) in tissues.items():
        spread = torch.exp(0.06 * torch.randn(3, generator=generator).clamp(-2, 2)).tolist()
        table[name] = float(spin_echo(pd * spread[0], t1 * spread[1], t2 * spread[2], tr, te))
    return table
