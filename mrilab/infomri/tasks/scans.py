"""What the models for tasks learn from: heads with a mass, outlined by several raters, seen by one coil or several."""

from functools import lru_cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from mrilab.data.pool import mass_pool, mass_scan_pool
from mrilab.data.recipes import Recipe
from mrilab.infomri.images import SHIFT, SIDE, SIGMA
from mrilab.physics.fourier import fft2c, mirror
from mrilab.physics.noise import complex_noise

SIZES = {"train": 4096, "val": 64, "test": 128}
SCANS = {"train": 768, "val": 32, "test": 64}  # pools of scans with several coils
WITH_ONE = (0.1, 0.9, 0.0)  # one head in ten has nothing
OF_THREE_KINDS = (0.5, 0.35, 0.15)  # none, one mass, several spots


class Cases(NamedTuple):
    """Hold images x (n, 1, H, W), k-space with noise and maps (n, coil, H, W), and outlines bool (n, rater, H, W)."""

    x: Tensor
    full: Tensor
    maps: Tensor
    outlines: Tensor


class Source(Protocol):
    """Heads with masses, square, of `side` pixels."""

    side: int

    def train(self, n: int, generator: torch.Generator) -> Cases:
        """Draw `n` training heads."""

    def fixed(self, split: str, number: int | None = None) -> Cases:
        """Return the first heads of a split, all by default, the same at every call."""


class MassHeads:
    """Magnitudes of T2-weighted heads seen by one coil, `pool` of them for training.

    `shares` are those of each kind of `anatomy.masses.KINDS`.
    """

    def __init__(self, side: int = SIDE, pool: int = SIZES["train"], shares: tuple[float, ...] = WITH_ONE):
        self.side, self.pool, self.shares = side, pool, shares
        self.maps = torch.ones(1, side, side, dtype=torch.complex64)  # one coil that sees all alike

    def train(self, n: int, generator: torch.Generator) -> Cases:
        """Draw `n` heads of the pool, each mirrored left to right or not and shifted, with new noise."""
        return self.labelled(n, generator)[0]

    def labelled(self, n: int, generator: torch.Generator) -> tuple[Cases, Tensor]:
        """Return the same, and the kinds, positions in `anatomy.masses.KINDS` (n)."""
        images, outlines, kinds = self._heads("train")
        index = torch.randint(len(images), (n,), generator=generator)
        layers = torch.cat([images[index, None], outlines[index].float()], 1)  # (n, 1 + rater, H, W)
        moved = []
        for layer in layers:
            flip, down, right = torch.randint(2 * SHIFT + 1, (3,), generator=generator).tolist()
            layer = layer.flip(-1) if flip % 2 else layer
            moved.append(layer.roll((down - SHIFT, right - SHIFT), (-2, -1)))
        layers = torch.stack(moved)
        return self._measured(layers[:, 0], layers[:, 1:] > 0.5, generator), kinds[index]

    def fixed(self, split: str, number: int | None = None) -> Cases:
        """Return the first heads of a split, all by default, with the same noise at every call."""
        images, outlines, _ = (each[:number] for each in self._heads(split))
        return self._measured(images, outlines, torch.Generator().manual_seed(0))

    def kinds(self, split: str) -> Tensor:
        """Return the kinds of the heads of a split."""
        return self._heads(split)[2]

    def images(self, split: str) -> Tensor:
        """Return the images of a split without noise, (n, H, W)."""
        return self._heads(split)[0]

    def _heads(self, split: str) -> tuple[Tensor, Tensor, Tensor]:
        return _pool(min(self.pool, SIZES[split]), self.side, split, self.shares)

    def _measured(self, images: Tensor, outlines: Tensor, generator: torch.Generator) -> Cases:
        full = fft2c(images.to(torch.complex64)) + SIGMA * complex_noise(images.shape, generator)
        return Cases(images[:, None], full[:, None], self.maps.expand(len(images), -1, -1, -1), outlines)


class MassScans:
    """Simulated scans with several coils. The recipe says of what, and with how much noise; images are magnitudes."""

    def __init__(self, recipe: Recipe, pool: int = SCANS["train"], shares: tuple[float, ...] = WITH_ONE):
        self.side, self.recipe, self.pool, self.shares = recipe.shape[0], recipe, pool, shares

    def train(self, n: int, generator: torch.Generator) -> Cases:
        """Draw `n` scans of the pool, mirrored left to right or not."""
        cases = self.fixed("train")
        index = torch.randint(len(cases.x), (n,), generator=generator)
        flip = (torch.rand(n, generator=generator) < 0.5)[:, None, None, None]
        return Cases(*(torch.where(flip, mirror(each[index], (-1,)), each[index]) for each in cases))

    def fixed(self, split: str, number: int | None = None) -> Cases:
        """Return scans of a split."""
        cases = _scans(min(self.pool, SCANS[split]), self.recipe, split, self.shares)
        return Cases(*(each[:number] for each in cases))


@lru_cache(maxsize=6)
def _pool(count: int, side: int, split: str, shares: tuple[float, ...]) -> tuple[Tensor, Tensor, Tensor]:
    return mass_pool(count, (side, side), split, shares)


@lru_cache(maxsize=2)
def _scans(count: int, recipe: Recipe, split: str, shares: tuple[float, ...]) -> Cases:
    images, full, maps, outlines = mass_scan_pool(count, recipe, split, shares)
    return Cases(images.abs()[:, None], full, maps, outlines)
