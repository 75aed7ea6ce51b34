"""What the models of the lesson learn from and are measured on: heads seen by one coil, or by several.

Every source gives images x and all of their k-space with noise. Masks choose from it later.
"""

from functools import lru_cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from mrilab.data.pool import scan_pool
from mrilab.data.recipes import Recipe
from mrilab.infomri.images import SIDE, SIGMA, SIZES, heads, moved, with_phase
from mrilab.nets.channels import real_channels
from mrilab.physics.fourier import fft2c, mirror
from mrilab.physics.noise import complex_noise

SCANS = {"train": 768, "val": 32, "test": 64}  # pools of scans with several coils


class Examples(NamedTuple):
    """Hold x (n, parts, H, W), real or real and imaginary part, k-space (n, coil, H, W), and maps of coils.

    K-space has noise and is not sampled yet. Maps are (coil, H, W) for all, or (n, coil, H, W).
    """

    x: Tensor
    full: Tensor
    maps: Tensor


class Source(Protocol):
    """Training examples, and fixed ones of the other splits."""

    def train(self, n: int, generator: torch.Generator) -> Examples:
        """Draw `n` examples."""

    def fixed(self, split: str, number: int | None = None) -> Examples:
        """Return the first examples of a split, all by default, the same at every call."""


class OneCoil:
    """Magnitudes of T2-weighted heads, without phase or with a smooth one of the deviation `phase` in rad."""

    def __init__(self, side: int = SIDE, pool: int = SIZES["train"], phase: float = 0.0):
        self.side, self.pool, self.phase = side, pool, phase

    def train(self, n: int, generator: torch.Generator) -> Examples:
        """Draw `n` heads of the pool, moved."""
        images = self.heads("train")
        return self._measured(
            moved(images[torch.randint(len(images), (n,), generator=generator)], generator), generator
        )

    def fixed(self, split: str, number: int | None = None) -> Examples:
        """Return heads of a split with the same noise and phase at every call."""
        return self._measured(self.heads(split)[:number], torch.Generator().manual_seed(0))

    def heads(self, split: str) -> Tensor:
        """Return the magnitudes of a split, (number, side, side)."""
        return heads(split, self.side, min(self.pool, SIZES[split]))

    def _measured(self, images: Tensor, generator: torch.Generator) -> Examples:
        if self.phase:
            image = with_phase(images, self.phase, generator)
            x = real_channels(image)  # (n, 2, H, W)
        else:
            image, x = images.to(torch.complex64), images[:, None]
        full = fft2c(image) + SIGMA * complex_noise(image.shape, generator)
        maps = torch.ones(1, *image.shape[-2:], dtype=full.dtype)  # one coil that sees all alike
        return Examples(x, full[:, None], maps)


class Pictures(OneCoil):
    """Images of one's own (n, H, W): the last tenth of them, at least one, is for validation and test."""

    def __init__(self, images: Tensor):
        super().__init__(images.shape[-1], len(images))
        last = max(1, len(images) // 10)
        self.images = {"train": images[:-last], "val": images[-last:], "test": images[-last:]}

    def heads(self, split: str) -> Tensor:
        """Return the images of a split."""
        return self.images[split]


class SeveralCoils:
    """Simulated scans with maps from a prescan of 24 x 24 points. The recipe says of what, and with how much noise."""

    def __init__(self, recipe: Recipe, pool: int = SCANS["train"]):
        self.recipe, self.pool = recipe, pool

    def train(self, n: int, generator: torch.Generator) -> Examples:
        """Draw `n` scans of the pool, mirrored left to right or not."""
        index = torch.randint(self.pool, (n,), generator=generator)
        flip = torch.rand(n, generator=generator) < 0.5
        x, full, maps = (each[index] for each in self._scans("train"))
        return Examples(
            *(torch.where(flip[:, None, None, None], mirror(each, (-1,)), each) for each in (x, full, maps))
        )

    def fixed(self, split: str, number: int | None = None) -> Examples:
        """Return scans of a split."""
        return Examples(*(each[:number] for each in self._scans(split)))

    def _scans(self, split: str) -> Examples:
        return _scans(self.recipe, split, min(self.pool, SCANS[split]))


@lru_cache(maxsize=3)
def _scans(recipe: Recipe, split: str, count: int) -> Examples:
    image, full, maps = scan_pool(count, recipe, split)
    return Examples(real_channels(image), full, maps)
