"""Training slices: a new head in every image, rendered in batches on the fly, never stored."""

from dataclasses import replace

import torch
from torch import Tensor

from mrilab.anatomy.acquire import band_limit
from mrilab.anatomy.fields import Device
from mrilab.anatomy.image import Heads, render_heads
from mrilab.anatomy.lesions import LABELS, plant_lesions
from mrilab.anatomy.randomised import random_resolution
from mrilab.errors import UserError

SPLITS = ("train", "val", "test")
FINENESS = 2  # how many times finer the grid of rendering is in both directions, before k-space is cut


def split_generator(split: str, seed: int) -> torch.Generator:
    """Return a generator of the split's own: its seeds leave the remainder 0, 1 or 2 when divided by 3.

    Of a seed, torch keeps the low 32 bits, so two large seeds can meet by chance all the same: 1 in 2^32 a pair.

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
    device: Device = "cpu",
    lesions: float = 0.0,
    thickness: float | None = None,
) -> Heads:
    """Render `Heads` as `brain_slices` does, before band-limiting, on the grid (FINENESS H, FINENESS W).

    With `unseen_slab`, the slices lie in the part of the template that training never shows. The share `lesions` of
    the heads has lesions; the heads are those without. With a `thickness` in mm, all are contiguous slices of one head.

    Raises:
        UserError: the slab in the training split; unknown names.
    """
    if unseen_slab and split == "train":
        raise UserError("training never shows the slab; ask for it with split='test'")
    generator = generator or torch.Generator().manual_seed(0)
    seed = int(torch.randint(2**60, (1,), generator=generator))
    if orientation is None and distribution == "clinical":
        orientation = "axial"
    own = split_generator(split, seed)
    fine = (FINENESS * shape[0], FINENESS * shape[1])
    part = "slab" if unseen_slab else "seen"
    heads = render_heads(n, fine, own, distribution, contrast, orientation, part, device, thickness)
    if lesions:  # from the next seed, so that the heads' own draws stay as they are
        image, share = plant_lesions(heads, split_generator(split, seed + 1), lesions)
        heads = replace(heads, image=image, lesions=share)
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
    device: Device = "cpu",
    orientation: str | None = None,
) -> Tensor:
    """Render complex64 slices (n, H, W) of `n` different heads, H readout, W phase encoding.

    Args:
        distribution: "clinical" or "randomised", see `anatomy.image.render_heads`.
        contrast: t1, t2, pd or flair; None draws a contrast per call. "randomised" has none.
        split: train, val and test never share a deformation, and none of these slices lies in the held-out slab.
        generator: CPU generator that decides everything; None gives the same slices at every call.
        orientation: axial, coronal or sagittal. None is axial for clinical and all three for randomised.

    Raises:
        UserError: unknown distribution, contrast, split or orientation.
    """
    heads = fine_heads(n, shape, distribution, contrast, split, generator, orientation, device=device)
    return band_limit(heads.image, shape)


def labelled_slices(
    n: int,
    shape: tuple[int, int] = (128, 128),
    distribution: str = "clinical",
    contrast: str | None = "t2",
    split: str = "train",
    generator: torch.Generator | None = None,
    device: Device = "cpu",
    lesions: float = 0.5,
) -> tuple[Tensor, Tensor]:
    """Render slices as `brain_slices` does, and their labels uint8 (n, H, W), numbered as in `anatomy.lesions.LABELS`.

    The share `lesions` of the heads has lesions, which change nothing else: with 0, the images are `brain_slices`'.

    Raises:
        UserError: unknown distribution, contrast or split.
    """
    heads = fine_heads(n, shape, distribution, contrast, split, generator, device=device, lesions=lesions)
    return band_limit(heads.image, shape), coarse_labels(heads)


def coarse_labels(heads: Heads) -> Tensor:
    """Return what fills most of each pixel of the coarse grid (see `anatomy.lesions.LABELS`), uint8 (n, H, W)."""

    labels = coarse(heads.shares).argmax(1)
    if heads.lesions is not None:
        labels[coarse(heads.lesions) > 0.5] = LABELS.index("lesion")
    return labels.to(torch.uint8)


def coarse(fine: Tensor) -> Tensor:
    """Return means over the pixels of the coarse grid, (..., FINENESS H, FINENESS W) -> (..., H, W).

    The window is odd, so that it is centred on fine pixel FINENESS * i, where coarse pixel i lies.
    """
    flat = fine.flatten(0, -3)[:, None]
    mean = torch.nn.functional.avg_pool2d(flat, FINENESS + 1, FINENESS, padding=FINENESS // 2)
    return mean[:, 0].reshape(*fine.shape[:-2], *mean.shape[-2:])
