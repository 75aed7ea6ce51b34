"""Where the masks of a model come from: a pattern network that is trained with it, or a fixed way to place samples."""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mrilab.errors import UserError
from mrilab.infomri.draw import draw, straight_through, tolerance, top_k
from mrilab.infomri.pattern import PatternNetwork, central, mask_shape
from mrilab.physics.densities import radial, uniform_points, variable_density
from mrilab.physics.lines import equispaced_lines, random_lines
from mrilab.physics.poisson import poisson_mask
from mrilab.physics.sampling import acs_lines

ROUNDED = 32  # the numbers of points at which Poisson discs are thrown are multiples of this
VARIANTS = 8  # masks of each number
T_RANGE = (0.1, 10.0)  # of PUERT's estimator, from the first step of a training to the last


class Sampled(NamedTuple):
    """Hold masks (n, *unit) of 0 and 1, the probabilities behind them or None, and the number of tries (n)."""

    mask: Tensor
    p: Tensor | None
    tries: Tensor


class Sampling(nn.Module):
    """What a model samples with. `unit` is the shape of a mask: (H, W), (1, W) or (H, 1)."""

    unit: tuple[int, int]


class Sampler(nn.Module):
    """A network that chooses its own samples."""

    sampling: Sampling


class Staged(Sampling):
    """One that samples in `steps` parts of equal size, and looks at the image in between."""

    steps: int


class Learned(Sampling):
    """Masks drawn from a pattern network, with a straight-through gradient while it is trained.

    Args:
        estimator: a key of `mrilab.infomri.draw.ESTIMATORS`.
        steps: length of the training, for the estimator "puert", which sharpens from step to step.
        pattern: arguments of `PatternNetwork`.
    """

    def __init__(self, shape: tuple[int, int], estimator: str = "sigmoid", steps: int = 1, **pattern: Any):
        super().__init__()
        self.pattern = PatternNetwork(shape, **pattern)
        self.unit = self.pattern.shape
        self.estimator, self.steps = estimator, steps
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))  # training steps so far

    def forward(self, count: Tensor, generator: torch.Generator | None) -> Sampled:
        """Draw a mask of each of `count` (n) samples. In training it may be off by eps, else it is exact.

        Without a generator nothing is drawn: the masks are the `count` most probable positions.
        """
        if generator is None:
            p = self.pattern(self.ratio(count))
            return Sampled(top_k(p, count), p, torch.ones(len(count)))
        p = self.pattern(self.ratio(count))  # (n, *unit)
        drawn = draw(p, count, generator, tolerance(math.prod(self.unit)) if self.training else 0.5)
        if not self.training:
            return Sampled(drawn.mask, p, drawn.tries)
        low, high = T_RANGE
        t = low * (high / low) ** min(1.0, float(self.seen) / self.steps)
        self.seen += 1
        return Sampled(straight_through(drawn, p, self.estimator, t), p, drawn.tries)

    def ratio(self, count: Tensor) -> Tensor:
        """Return r = count / N in float32: whole numbers survive what casts inputs to bfloat16."""
        return count.float() / math.prod(self.unit)


class Fixed(Sampling):
    """Masks of one of KINDS, with its `options`, drawn anew for each image, with nothing to learn."""

    def __init__(self, shape: tuple[int, int], kind: str, **options: float):
        super().__init__()
        if kind not in KINDS:
            raise UserError(f"unknown way to sample {kind!r}; choose one of {', '.join(KINDS)}")
        self.shape, self.placed = (shape[0], shape[1]), partial(KINDS[kind], **options)
        self.unit = mask_shape(shape, "lines" if kind in LINES else "points")

    def forward(self, count: Tensor, generator: torch.Generator | None) -> Sampled:
        """Draw a mask of each of `count` (n) samples, from a fixed seed without a generator."""
        generator = generator or torch.Generator().manual_seed(0)
        masks = [self.placed(self.shape, each, generator).reshape(self.unit) for each in count.tolist()]
        return Sampled(torch.stack(masks).to(count.device, torch.float32), None, torch.ones(len(count)))


class Ordered(Sampling):
    """The first positions of a fixed order: closed form and spectrum, which know the training images' variances."""

    order: Tensor

    def __init__(self, shape: tuple[int, int], kind: str):
        super().__init__()
        self.unit = mask_shape(shape, kind)
        self.register_buffer("order", torch.arange(math.prod(self.unit), dtype=torch.int32))

    def forward(self, count: Tensor, generator: torch.Generator | None) -> Sampled:
        """Return the mask of each of `count` (n) samples, the same at every call."""
        rank = self.order.long().argsort()  # (N)
        mask = rank < count[:, None]  # (n, N)
        return Sampled(mask.float().reshape(len(count), *self.unit), None, torch.ones(len(count)))


def _equispaced(shape: tuple[int, int], count: int, generator: torch.Generator) -> Tensor:
    return equispaced_lines(shape[1], count, calibration(shape[1], count), generator)


def _random(shape: tuple[int, int], count: int, generator: torch.Generator) -> Tensor:
    return random_lines(shape[1], count, calibration(shape[1], count), generator)


def calibration(n: int, count: int) -> int:
    """Return the calibration lines of line masks with `count` of `n` lines: 8 % up to R = 6, else 4 %, at most half."""
    return min(acs_lines(n, n / count), count // 2)


def _poisson(shape: tuple[int, int], count: int, generator: torch.Generator) -> Tensor:
    """Draw Poisson discs of about `count` points, and add or take away points outside the centre until it is exact."""
    about, which = max(1, round(count / ROUNDED)) * ROUNDED, int(torch.randint(VARIANTS, (), generator=generator))
    mask, centre = _discs(shape, about, which)
    missing = count - int(mask.sum())
    places = torch.nonzero((mask != (missing > 0)) & ~centre).flatten()
    changed = places[torch.randperm(len(places), generator=generator)[: abs(missing)]]
    return mask.index_fill(0, changed, missing > 0)


@cache
def _discs(shape: tuple[int, int], count: int, which: int) -> tuple[Tensor, Tensor]:
    """Return one of VARIANTS masks of Poisson discs and its calibration square, flat: throwing darts takes long."""
    side = min(shape) // 16
    drawn = torch.Generator().manual_seed(VARIANTS * count + which)
    return poisson_mask(shape, math.prod(shape) / count, side, drawn).flatten(), central(shape, side).flatten()


KINDS: dict[str, Callable[..., Tensor]] = {
    "uniform": uniform_points,
    "variable-density": variable_density,
    "poisson": _poisson,
    "radial": radial,
    "uniform-lines": lambda shape, count, generator: random_lines(shape[1], count, 0, generator),
    "random-lines": _random,
    "equispaced-lines": _equispaced,
}
LINES = ("uniform-lines", "random-lines", "equispaced-lines")
