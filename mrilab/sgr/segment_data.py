"""What the segmentation networks learn from: fully sampled slices with their classes.

Drawing a slice takes longer than a step of training. So a run knows a pool of slices, each drawn when it is first asked
for, and sees each of them many times, every time mirrored, noisy and scaled anew.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from mrilab.anatomy.knee import STRUCTURES
from mrilab.anatomy.lesions import LABELS
from mrilab.data.slices import labelled_slices
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.knees import condyle_knees, pool_size
from mrilab.training.feed import part_generator

Pairs = tuple[Tensor, Tensor]  # magnitudes (n, H, W) whose 0.99 quantile is 1, and the numbers of classes (n, H, W)
Kinds = Sequence[tuple[str, str | None]]  # distribution and contrast, as in `mrilab.data.labelled_slices`
SCAN_NOISE = 0.01  # noise of most scans per real component
NOISE_STD = 0.05  # largest noise of the training
SCALE = (0.85, 1.15)  # what is found from undersampled data is 0.88 to 1.00 of the true scale
LESIONS = 0.6  # share of the heads with lesions: the foreground oversampling, 40 % in the paper
HEADS = 2_000  # size of the pool
MANY_HEADS = 6_000  # the same where contrasts are any: with fewer, a network learns the pool by heart
CPU = torch.device("cpu")


class Source(Protocol):
    """A pool of `size` training slices, and slices for validation, with `classes` by name."""

    classes: tuple[str, ...]
    size: int
    config: dict[str, Any]

    def train(self, index: int) -> Pairs:
        """Return the slice `index` of the pool, (1, H, W) each."""

    def validation(self, n: int) -> Pairs:
        """Return up to `n` slices of the validation split, the same for every seed, with a scan's noise."""


class HeadSource:
    """Heads, drawn one by one and kept: a pool of `size`, of each of `kinds` (distribution, contrast) in turn."""

    classes: tuple[str, ...] = ("csf", "grey matter", "white matter", "lesion")

    def __init__(self, kinds: Kinds, size: int, side: int, seed: int):
        self.kinds, self.size, self.shape, self.seed = kinds, size, (side, side), seed
        self.config = {"heads": self.size, "with_lesions": LESIONS}
        self.drawn: dict[int, Pairs] = {}

    def train(self, index: int) -> Pairs:
        """Return the head `index` of this seed's pool, (1, H, W) each."""
        if index not in self.drawn:
            self.drawn[index] = self._draw(index, "train", part_generator(self.seed, index, 0))
        return self.drawn[index]

    def validation(self, n: int) -> Pairs:
        """Return `n` heads of the validation split, the same for every seed, with a scan's noise."""
        generator = part_generator(0, 0, 0)
        heads = [self._draw(index, "val", generator) for index in range(n)]
        magnitudes, classes = (torch.cat(each) for each in zip(*heads, strict=True))
        return add_noise(magnitudes, torch.tensor(SCAN_NOISE), generator), classes

    def _draw(self, index: int, split: str, generator: torch.Generator) -> Pairs:
        kind = self.kinds[index % len(self.kinds)]
        image, labels = labelled_slices(1, self.shape, *kind, split, generator, CPU, lesions=LESIONS)
        return _pairs(image, labels, self.classes, LABELS)


class KneeSource:
    """Sagittal knees through a condyle, where all classes are, from a pool on disk."""

    classes: tuple[str, ...] = ("patellar cartilage", "femoral cartilage", "tibial cartilage", "meniscus")

    def __init__(self, side: int, seed: int):
        self.side, self.seed, self.size = side, seed, pool_size("train", side)
        self.config = {"knees": self.size}
        self.pool: Pairs | None = None

    def train(self, index: int) -> Pairs:
        """Return the knee `index` of this seed's pool, (1, H, W) each."""
        if self.pool is None:
            self.pool = self._draw("train", self.seed)
        magnitudes, classes = self.pool
        return magnitudes[index, None], classes[index, None]

    def validation(self, n: int) -> Pairs:
        """Return up to `n` knees of the validation split, the same for every seed, with a scan's noise."""
        magnitudes, classes = (each[:n] for each in self._draw("val", 0))
        return add_noise(magnitudes, torch.tensor(SCAN_NOISE), part_generator(0, 0, 0)), classes

    def _draw(self, split: str, seed: int) -> Pairs:
        names = [name.replace("_", " ") for name in STRUCTURES]
        return _pairs(*condyle_knees(split, self.side, seed), self.classes, names)


def augment(magnitudes: Tensor, classes: Tensor, generator: torch.Generator) -> Pairs:
    """Return slices (n, H, W) mirrored along either axis, with noise, and rescaled, each by draws of its own."""
    n = len(magnitudes)
    for axis in (-2, -1):
        mirrored = (torch.rand(n, generator=generator) < 0.5)[:, None, None]
        magnitudes = torch.where(mirrored, magnitudes.flip(axis), magnitudes)
        classes = torch.where(mirrored, classes.flip(axis), classes)
    low, high = SCALE
    scale = low + (high - low) * torch.rand(n, 1, 1, generator=generator)
    noisy = add_noise(magnitudes, NOISE_STD * torch.rand(n, 1, 1, generator=generator), generator)
    return scale * noisy, classes


def add_noise(magnitudes: Tensor, noise_std: Tensor, generator: torch.Generator) -> Tensor:
    """Return the magnitudes (n, H, W) of images with complex noise. The phase that they had does not matter to it."""
    return (magnitudes + noise_std * complex_noise(magnitudes.shape, generator)).abs()


def _pairs(image: Tensor, labels: Tensor, classes: Sequence[str], names: Sequence[str]) -> Pairs:
    """Return normalised magnitudes, and classes by number: those of `labels`, which number `names`, anything else 0."""
    table = torch.tensor([1 + classes.index(name) if name in classes else 0 for name in names], dtype=torch.uint8)
    return image.abs() / quantile_scale(image), table[labels.long()]
