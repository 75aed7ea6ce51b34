"""The fixed scans of the course: which there are, and how each is simulated from its seed.

A scan is rendered on a grid twice as fine as the one it is sampled on (no inverse crime), scaled so that the 0.99
quantile of its magnitude is 1, seen by an array of 8 to 16 loops, and given complex Gaussian noise.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.anatomy.acquire import band_limit, simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data.slices import FINENESS, fine_heads, quantile_scale, split_generator
from mrilab.errors import UserError


@dataclass(frozen=True)
class Recipe:
    """One data set: `count` scans of which the last `unseen` lie in the slab that training never shows.

    noise_std is per real component and relative to the 0.99 quantile of the image; a pair is a range, drawn per scan.
    """

    anatomy: str
    split: str
    count: int
    contrast: str | None = None
    unseen: int = 0
    shape: tuple[int, int] = (128, 128)
    n_coils: tuple[int, int] = (8, 8)
    noise_std: tuple[float, float] = (0.01, 0.01)


RECIPES: dict[str, Recipe] = {
    "heads-t2-val": Recipe("clinical", "val", 8, "t2"),
    "heads-t2-test": Recipe("clinical", "test", 12, "t2", unseen=6),
    "heads-t1-test": Recipe("clinical", "test", 12, "t1", unseen=6),
    "heads-pd-test": Recipe("clinical", "test", 12, "pd", unseen=6),
    "heads-flair-test": Recipe("clinical", "test", 12, "flair", unseen=6),
    "heads-randomised-val": Recipe("randomised", "val", 8, n_coils=(8, 16), noise_std=(0.003, 0.03)),
    "heads-randomised-test": Recipe("randomised", "test", 12, unseen=6, n_coils=(8, 16), noise_std=(0.003, 0.03)),
}


@dataclass(frozen=True)
class Simulated:
    """A scan with what only a simulation knows.

    kspace (coil, H, W) with noise; truth (H, W), the noise-free image on the same grid; coil_maps (coil, H, W),
    the true ones, for oracles only; labels (H, W) uint8; attrs and header for the file.
    """

    kspace: Tensor
    truth: Tensor
    coil_maps: Tensor
    labels: Tensor | None
    attrs: dict
    header: dict


def find_recipe(name: str) -> Recipe:
    """Raises UserError when there is no data set of this name."""
    if name not in RECIPES:
        raise UserError(f"there is no data set {name!r}; choose one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def simulate(name: str, index: int) -> Simulated:
    """Scan number `index` of the data set `name`, the same at every call.

    Raises:
        UserError: no such data set or scan.
    """
    recipe = find_recipe(name)
    if not 0 <= index < recipe.count:
        raise UserError(f"{name} has {recipe.count} scans, numbered 0 to {recipe.count - 1}; there is no {index}")
    generator = split_generator(recipe.split, zlib.crc32(f"{name}/{index}".encode()))
    unseen = index >= recipe.count - recipe.unseen
    image, labels, details, header = ANATOMIES[recipe.anatomy](recipe, unseen, generator)
    image = image / quantile_scale(image)

    n_coils = int(torch.randint(recipe.n_coils[0], recipe.n_coils[1] + 1, (1,), generator=generator))
    low, high = recipe.noise_std
    noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))  # uniform in the logarithm
    array = random_array(n_coils, generator)
    kspace = simulate_scan(image, array.maps(image.shape[-2:]), recipe.shape, noise_std, generator)
    attrs = {
        "patient_id": f"{name}-{index:02d}",
        "noise_std": noise_std,
        "split": recipe.split,
        "unseen_slab": unseen,
        "simulated": True,
        **details,
    }
    return Simulated(kspace, band_limit(image, recipe.shape), array.maps(recipe.shape), labels, attrs, header)


def _head(recipe: Recipe, unseen: bool, generator: torch.Generator):
    heads = fine_heads(1, recipe.shape, recipe.anatomy, recipe.contrast, recipe.split, generator, unseen_slab=unseen)
    shares = torch.nn.functional.avg_pool2d(heads.shares, FINENESS)  # (1, tissue, H, W)
    orientation = heads.slices.orientation[0]
    pixel = FINENESS * float(heads.slices.pixel[0])  # mm
    details = {
        "acquisition": {"axial": "AX", "coronal": "COR", "sagittal": "SAG"}[orientation] + heads.contrast.upper(),
        "anatomy": "head",
        "distribution": recipe.anatomy,
        "contrast": heads.contrast,
        "orientation": orientation,
    }
    header = {"encoded_fov_mm": (pixel * recipe.shape[0], pixel * recipe.shape[1], 5.0)}
    return heads.image[0], shares[0].argmax(0).to(torch.uint8), details, header


# name -> function of (recipe, unseen, generator): fine image, labels or None, attributes, header fields
ANATOMIES: dict[str, Callable] = {"clinical": _head, "randomised": _head}
