"""Training slices on the fly: a new head in every image, rendered in batches, never stored."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mrilab.anatomy.acquire import band_limit
from mrilab.anatomy.image import Heads, render_heads
from mrilab.anatomy.randomised import random_resolution
from mrilab.errors import UserError

SPLITS = ("train", "val", "test")
FINENESS = 2  # heads are rendered on a grid this much finer in both directions, then cut in k-space


def split_generator(split: str, seed: int) -> torch.Generator:
    """A generator of a split's own: seeds leave the remainder 0, 1 or 2 when divided by 3.

    torch keeps the low 32 bits of a seed, so large ones can meet in spite of that, by chance: 1 in 2^32 a pair.

    Raises:
        UserError: `split` is not train, val or test.
    """
    if split not in SPLITS:
        raise UserError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    return torch.Generator().manual_seed(len(SPLITS) * seed + SPLITS.index(split))


def fine_heads(
    n: int,
    shape: tuple[int, int],
    distribution: str = "clinical",
    contrast: str | None = "t2",
    split: str = "train",
    generator: torch.Generator | None = None,
    orientation: str | None = None,
    unseen_slab: bool = False,
    device="cpu",
) -> Heads:
    """As `brain_slices`, but before band-limiting: `Heads` on the fine grid (FINENESS H, FINENESS W).

    With `unseen_slab`, slices from the part of the template that training never shows.

    Raises:
        UserError: the slab is asked for in the training split; unknown names.
    """
    if unseen_slab and split == "train":
        raise UserError("training never shows the slab; ask for it with split='test'")
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    seed = int(torch.randint(2**60, (1,), generator=generator))
    if orientation is None and distribution == "clinical":
        orientation = "axial"
    own = split_generator(split, seed)
    fine = (FINENESS * shape[0], FINENESS * shape[1])
    region = "slab" if unseen_slab else "seen"
    heads = render_heads(n, fine, own, distribution, contrast, orientation, region, device)
    if distribution == "randomised":
        heads = replace(heads, image=random_resolution(heads.image, FINENESS, own))
    return heads


def brain_slices(
    n: int,
    shape: tuple[int, int] = (128, 128),
    distribution: str = "clinical",
    contrast: str | None = "t2",
    split: str = "train",
    generator: torch.Generator | None = None,
    device="cpu",
    orientation: str | None = None,
) -> Tensor:
    """Complex64 slices (n, H, W) of `n` different heads, H readout, W phase encoding.

    Args:
        distribution: "clinical" or "randomised", see `anatomy.image.render_heads`.
        contrast: t1, t2, pd, flair, or None for one drawn per call; ignored by "randomised".
        split: train, val and test never share a deformation, and none of these slices lies in the held-out slab.
        generator: CPU generator that decides everything; None is a fixed one, the same slices at every call.
        orientation: axial, coronal or sagittal. None is axial for clinical and all three for randomised.

    Raises:
        UserError: unknown distribution, contrast, split or orientation.
    """
    heads = fine_heads(n, shape, distribution, contrast, split, generator, orientation, device=device)
    return band_limit(heads.image, shape)


def labelled_slices(n: int, shape: tuple[int, int] = (128, 128), **options) -> tuple[Tensor, Tensor]:
    """`brain_slices` with the tissue of each pixel: images (n, H, W) complex64, labels (n, H, W) uint8.

    Labels index `anatomy.contrast.NAMES`; `options` are those of `brain_slices`.
    """
    heads = fine_heads(n, shape, **options)
    return band_limit(heads.image, shape), coarse_labels(heads)


def coarse_labels(heads: Heads) -> Tensor:
    """The tissue that fills most of each pixel of the coarse grid, uint8 (n, H, W)."""
    # an odd window, so that it is centred on fine pixel FINENESS * i, where coarse pixel i lies
    shares = torch.nn.functional.avg_pool2d(heads.shares, FINENESS + 1, FINENESS, padding=FINENESS // 2)
    return shares.argmax(1).to(torch.uint8)
