"""Pools of slices, drawn once and kept on disk, because drawing takes longer than training."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from mrilab.anatomy.acquire import add_noise, band_limit, simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.knee import knee_phantom
from mrilab.anatomy.masses import plant_masses
from mrilab.anatomy.raters import rate
from mrilab.data.atomic import atomic_path
from mrilab.data.embedded import fingerprint
from mrilab.data.recipes import ANATOMIES, Recipe
from mrilab.data.slices import FINENESS, brain_slices, coarse, fine_heads, split_generator
from mrilab.paths import BUILD
from mrilab.physics.coils import estimate_maps, mvue
from mrilab.physics.fourier import centre_crop
from mrilab.physics.scale import quantile_scale

POOLS = BUILD / "pools"
PRESCAN = (24, 24)  # points, as in Jalal et al. 2021
AT_A_TIME = 8  # heads that are rendered together


def knee_pool(
    count: int, shape: tuple[int, int], split: str, seed: int, kind: str = "condyle", folder: Path | None = None
) -> tuple[Tensor, Tensor]:
    """Return images complex64 (count, H, W) of different knees without noise, and labels uint8 (count, H, W).

    Labels are positions in `anatomy.knee.STRUCTURES`. Pools of different splits never share a seed. A pool lies in one
    file of `folder`, POOLS by default, which is named after the arguments and the code that draws it. It is drawn where
    it is missing.

    Raises:
        UserError: unknown split or kind, a folder that cannot be written.
    """
    generator = split_generator(split, seed)

    def draw() -> dict[str, Tensor]:
        images, labels = [], []
        for _ in tqdm(range(count), desc="Drawing knees", unit="knee", mininterval=0.5):
            fine, fine_labels = knee_phantom((FINENESS * shape[0], FINENESS * shape[1]), generator, kind)
            images.append(band_limit(fine, shape))
            # pixel i of the coarse grid lies where pixel FINENESS * i of the fine one does
            labels.append(fine_labels[::FINENESS, ::FINENESS].to(torch.uint8))
        return {"images": torch.view_as_real(torch.stack(images)), "labels": torch.stack(labels)}

    parts = _kept(f"knee-{kind}-{split}-{seed}-{count}-{shape[0]}x{shape[1]}", draw, folder)
    return torch.view_as_complex(parts["images"]), parts["labels"]


def head_pool(
    count: int,
    shape: tuple[int, int],
    split: str,
    distribution: str = "clinical",
    contrast: str | None = "t2",
    folder: Path | None = None,
) -> Tensor:
    """Return magnitudes float32 (count, H, W) of different heads without noise, each over its 0.99 quantile.

    The heads are those of `mrilab.data.slices.brain_slices`. The pool is kept as `knee_pool` keeps its own.

    Raises:
        UserError: unknown split, distribution or contrast, a folder that cannot be written.
    """
    generator = torch.Generator().manual_seed(0)  # the split has seeds of its own below it

    def draw() -> dict[str, Tensor]:
        images = []
        for start in tqdm(range(0, count, AT_A_TIME), desc="Drawing heads", unit="batch", mininterval=0.5):
            n = min(AT_A_TIME, count - start)
            images.append(brain_slices(n, shape, distribution, contrast, split, generator).abs())
        magnitudes = torch.cat(images)  # (count, H, W)
        return {"images": magnitudes / quantile_scale(magnitudes)}

    name = f"head-{distribution}-{contrast}-{split}-{count}-{shape[0]}x{shape[1]}"
    return _kept(name, draw, folder)["images"]


def mass_pool(
    count: int, shape: tuple[int, int], split: str, shares: tuple[float, ...], folder: Path | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return magnitudes (count, H, W) of heads with masses, outlines bool (count, rater, H, W), and kinds (count).

    Kinds are positions in `anatomy.masses.KINDS`, drawn with the probabilities `shares`. The heads are clinical, axial
    and T2-weighted, without noise, each over its 0.99 quantile. The pool is kept as `knee_pool` keeps its own.

    Raises:
        UserError: unknown split, a folder that cannot be written.
    """
    generator = torch.Generator().manual_seed(0)  # the split has seeds of its own below it
    own = split_generator(split, 1)

    def draw() -> dict[str, Tensor]:
        kinds = torch.multinomial(torch.tensor(shares), count, replacement=True, generator=own)
        images, outlines = [], []
        for start in tqdm(range(0, count, AT_A_TIME), desc="Drawing masses", unit="batch", mininterval=0.5):
            part = kinds[start : start + AT_A_TIME]
            heads = fine_heads(len(part), shape, split=split, generator=generator)
            image, membership = plant_masses(heads, part, own)
            images.append(band_limit(image, shape).abs())
            outlines.append(rate(coarse(membership), own))
        magnitudes = torch.cat(images)  # (count, H, W)
        return {"images": magnitudes / quantile_scale(magnitudes), "outlines": torch.cat(outlines), "kinds": kinds}

    name = f"mass-{'-'.join(map(str, shares))}-{split}-{count}-{shape[0]}x{shape[1]}"
    parts = _kept(name, draw, folder)
    return parts["images"], parts["outlines"], parts["kinds"]


def scan_pool(count: int, recipe: Recipe, split: str, folder: Path | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return images (count, H, W), fully sampled k-space with noise (count, coil, H, W) and maps of the same shape.

    Each is another head of the recipe, in front of another array of its fewest coils. Maps come from the central
    24 x 24 points, as from a prescan. The image is the MVUE of the data without noise with those maps. All is over the
    image's 0.99 quantile. The pool is kept as `knee_pool` keeps its own.

    Raises:
        UserError: unknown split, a folder that cannot be written.
    """
    generator = split_generator(split, 0)
    recipe = replace(recipe, split=split)

    def draw() -> dict[str, Tensor]:
        rows = []
        for _ in tqdm(range(count), desc="Simulating", unit="scan", mininterval=0.5):
            fine = ANATOMIES[recipe.anatomy](recipe, False, generator)[0]
            rows.append(_acquired(fine, recipe, generator))
        stacked = (torch.stack(each) for each in zip(*rows, strict=True))
        return dict(zip(("images", "kspace", "maps"), map(torch.view_as_real, stacked), strict=True))

    parts = _kept(_scan_name(count, recipe, split), draw, folder)
    images, kspace, maps = (torch.view_as_complex(parts[key]) for key in ("images", "kspace", "maps"))
    return images, kspace, maps


def mass_scan_pool(
    count: int, recipe: Recipe, split: str, shares: tuple[float, ...], folder: Path | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images, k-space and maps as `scan_pool` does, of heads with masses, and outlines (count, rater, H, W).

    The recipe's anatomy is "clinical" or "randomised". `shares` are as in `mass_pool`.

    Raises:
        UserError: unknown split, a folder that cannot be written.
    """
    generator, own = split_generator(split, 0), split_generator(split, 1)

    def draw() -> dict[str, Tensor]:
        kinds = torch.multinomial(torch.tensor(shares), count, replacement=True, generator=own)
        rows, outlines = [], []
        for kind in tqdm(kinds.split(1), desc="Simulating", unit="scan", mininterval=0.5):
            heads = fine_heads(1, recipe.shape, recipe.anatomy, recipe.contrast, split, generator)
            image, membership = plant_masses(heads, kind, own)
            rows.append(_acquired(image[0], recipe, generator))
            outlines.append(rate(coarse(membership), own))
        stacked = (torch.stack(each) for each in zip(*rows, strict=True))
        parts = dict(zip(("images", "kspace", "maps"), map(torch.view_as_real, stacked), strict=True))
        return parts | {"outlines": torch.cat(outlines)}

    parts = _kept("-".join(["mass", *map(str, shares), _scan_name(count, recipe, split)]), draw, folder)
    images, kspace, maps = (torch.view_as_complex(parts[key]) for key in ("images", "kspace", "maps"))
    return images, kspace, maps, parts["outlines"]


def _scan_name(count: int, recipe: Recipe, split: str) -> str:
    shape, noise = "x".join(map(str, recipe.shape)), "-".join(map(str, recipe.noise_std))
    return f"scan-{recipe.anatomy}-{recipe.contrast}-{split}-{count}-{recipe.n_coils[0]}-{shape}-{noise}"


def _acquired(fine: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return MVUE, k-space with noise and maps of an image on the fine grid, in front of an array of its own."""
    fine = fine / quantile_scale(fine)
    true_maps = random_array(recipe.n_coils[0], generator).maps((fine.shape[0], fine.shape[1]))
    clean = simulate_scan(fine, true_maps, recipe.shape)  # (coil, H, W)
    low, high = recipe.noise_std
    noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))
    full = add_noise(clean, noise_std, generator)
    everything = torch.ones(1, 1, dtype=torch.bool)
    maps, _ = estimate_maps(full, everything, centre_crop(full, PRESCAN))
    image = mvue(clean, maps)
    scale = quantile_scale(image)
    return image / scale, full / scale, maps


def _kept(name: str, draw: Callable[[], dict[str, Tensor]], folder: Path | None) -> dict[str, Tensor]:
    """Return the tensors of a pool from its file, which is drawn and written first where it is missing."""
    code = hashlib.sha256(fingerprint().encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    path = (folder or POOLS) / f"{name}-{code}.safetensors"
    if not path.is_file():
        parts = draw()
        with atomic_path(path) as temporary:
            save_file(parts, temporary)
    return load_file(path)
