"""The images of the lesson: magnitudes of T2-weighted heads, 64 x 64, kept in memory because drawing takes longer than
a training step. They have a pool on disk, and are mirrored and shifted anew each time.
"""

from functools import lru_cache

import torch
from torch import Tensor

from mrilab.anatomy.fields import Draws
from mrilab.data.pool import head_pool
from mrilab.infomri.information import GaussianKspace
from mrilab.training.feed import part_generator

SIGMA = 0.01  # noise per real component; images have the 0.99 quantile 1
SIDE = 64
SHIFT = 3  # largest shift, pixels
SIZES = {"train": 4096, "val": 64, "test": 128}
FEW = 8  # slices of a smoke run


@lru_cache(maxsize=4)
def heads(split: str, side: int = SIDE, count: int | None = None) -> Tensor:
    """Return magnitudes of T2-weighted axial heads of a split, float32 (count, side, side), the same at every call."""
    return head_pool(count or SIZES[split], (side, side), split)


def moved(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (n, H, W), each mirrored left to right or not and shifted by up to SHIFT pixels."""
    out = []
    for image in images:
        flip, down, right = torch.randint(2 * SHIFT + 1, (3,), generator=generator).tolist()
        image = image.flip(-1) if flip % 2 else image
        out.append(image.roll((down - SHIFT, right - SHIFT), (-2, -1)))
    return torch.stack(out)


@lru_cache(maxsize=2)
def gaussian_heads(side: int = SIDE, count: int | None = None) -> GaussianKspace:
    """Return the Gaussian image with the variances of the training heads, moved as in training."""
    images = heads("train", side, count)
    return GaussianKspace.of_images(moved(images, part_generator(0, 0, 0)), SIGMA)


def with_phase(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Return images (n, H, W) with a smooth phase of this standard deviation in rad, and an offset that is unknown."""
    n, height, width = images.shape
    smooth = Draws(n, (height, width), generator).field(height / 3)  # (n, H, W), variance 1
    offset = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator)
    return torch.polar(images, deviation * smooth + offset)
