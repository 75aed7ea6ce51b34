"""What the classifiers learn from: glyphs, or heads with nothing, one mass, or several spots, seen by one coil."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from mrilab.anatomy.masses import KINDS
from mrilab.data.glyphs import CLASSES, SIDE, SIZES, glyphs
from mrilab.infomri.images import SIGMA
from mrilab.infomri.tasks.scans import OF_THREE_KINDS, MassHeads
from mrilab.physics.fourier import fft2c
from mrilab.physics.noise import complex_noise


class Labelled(NamedTuple):
    """Hold images x (n, 1, H, W), k-space with noise (n, 1, H, W), and classes int64 (n)."""

    x: Tensor
    full: Tensor
    classes: Tensor


class Source(Protocol):
    """Labelled images of `shape`, with `classes` classes."""

    shape: tuple[int, int]
    classes: int

    def train(self, n: int, generator: torch.Generator) -> Labelled:
        """Draw `n` training images, with new noise."""

    def fixed(self, split: str, number: int | None = None) -> Labelled:
        """Return the first images of a split, all by default, with the same noise at every call."""


class Glyphs:
    """Digits of 28 x 28 pixels."""

    shape, classes = (SIDE, SIDE), CLASSES

    def __init__(self, pool: int = SIZES["train"]):
        self.pool = pool

    def train(self, n: int, generator: torch.Generator) -> Labelled:
        """Draw `n` digits of the pool."""
        images, classes = glyphs("train", self.pool)
        index = torch.randint(len(images), (n,), generator=generator)
        return measured(images[index], classes[index], generator)

    def fixed(self, split: str, number: int | None = None) -> Labelled:
        """Return digits of a split."""
        images, classes = glyphs(split, self.pool if split == "train" else None)
        return measured(images[:number], classes[:number], torch.Generator().manual_seed(0))


class MassKinds:
    """Heads with nothing, one mass, or several spots: classes are positions in `anatomy.masses.KINDS`."""

    classes = len(KINDS)

    def __init__(self, heads: MassHeads | None = None):
        self.heads = heads or MassHeads(shares=OF_THREE_KINDS)
        self.shape = (self.heads.side, self.heads.side)

    def train(self, n: int, generator: torch.Generator) -> Labelled:
        """Draw `n` heads of the pool, moved."""
        cases, kinds = self.heads.labelled(n, generator)
        return Labelled(cases.x, cases.full, kinds)

    def fixed(self, split: str, number: int | None = None) -> Labelled:
        """Return heads of a split."""
        cases = self.heads.fixed(split, number)
        return Labelled(cases.x, cases.full, self.heads.kinds(split)[:number])


def measured(images: Tensor, classes: Tensor, generator: torch.Generator) -> Labelled:
    """Return images (n, H, W) with their k-space and noise."""
    full = fft2c(images.to(torch.complex64)) + SIGMA * complex_noise(images.shape, generator)
    return Labelled(images[:, None], full[:, None], classes)
