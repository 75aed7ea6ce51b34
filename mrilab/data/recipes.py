"""The fixed scans of the course: which there are, and how each is simulated from its seed.

A scan is rendered on a grid twice as fine as its own (no inverse crime) and scaled so that the 0.99 quantile of its
magnitude is 1. An array of 8 to 16 loops sees it, and complex Gaussian noise is added. Ellipses are not rendered at
all: their k-space is exact.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mrilab.anatomy.abdomen import abdomen_phantom
from mrilab.anatomy.acquire import add_noise, band_limit, simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import fit_coils, random_ellipses
from mrilab.anatomy.fields import Device
from mrilab.anatomy.knee import knee_phantom
from mrilab.data.slices import FINENESS, coarse_labels, fine_heads, split_generator
from mrilab.errors import UserError
from mrilab.physics.coils import mvue, normalise_maps
from mrilab.physics.scale import quantile_scale


@dataclass(frozen=True)
class Recipe:
    """How to simulate `count` scans, of which the last `unseen` lie in the slab that training never shows.

    `anatomy` is a key of ANATOMIES or "ellipses". `n_coils` and `noise_std` are ranges, drawn per scan; `noise_std` is
    per real component and relative to the 0.99 quantile of the image. More `slices` than one are contiguous slices of
    one clinical head. With `lesions`, every second head has some, beginning with number 1.
    """

    anatomy: str
    split: str
    count: int
    contrast: str | None = None
    unseen: int = 0
    shape: tuple[int, int] = (128, 128)
    n_coils: tuple[int, int] = (8, 8)
    noise_std: tuple[float, float] = (0.01, 0.01)
    slices: int = 1
    lesions: bool = False


THICKNESS = 5.0  # of a slice, in mm
# image on a grid FINENESS times as fine, labels (H, W), attributes, field of view in mm; several slices stand in front
Rendered = tuple[Tensor, Tensor, dict[str, str | bool], tuple[float, float]]
Render = Callable[..., Rendered]  # takes (recipe, unseen, generator, device), and of heads whether they have lesions
# first part of the names that fastMRI gives to acquisitions
PREFIX = {"axial": "AX", "coronal": "COR", "sagittal": "SAG"}
RECIPES: dict[str, Recipe] = {
    "heads-t2-val": Recipe("clinical", "val", 8, "t2"),
    "heads-t2-test": Recipe("clinical", "test", 12, "t2", unseen=6),
    "heads-t2-fine-test": Recipe("clinical", "test", 12, "t2", unseen=6, shape=(160, 128)),
    "heads-t1-test": Recipe("clinical", "test", 12, "t1", unseen=6),
    "heads-pd-test": Recipe("clinical", "test", 12, "pd", unseen=6),
    "heads-flair-test": Recipe("clinical", "test", 12, "flair", unseen=6),
    "heads-randomised-val": Recipe("randomised", "val", 8, n_coils=(8, 16), noise_std=(0.003, 0.03)),
    "heads-randomised-test": Recipe("randomised", "test", 12, unseen=6, n_coils=(8, 16), noise_std=(0.003, 0.03)),
    "heads-t2-slab-val": Recipe("clinical", "val", 4, "t2", slices=3, lesions=True),
    "heads-t2-slab-test": Recipe("clinical", "test", 6, "t2", unseen=3, slices=3, lesions=True),
    "knee-test": Recipe("knee", "test", 6, "pd"),
    "knee-fine-val": Recipe("condyle", "val", 2, "pd", shape=(192, 192)),
    "knee-fine-test": Recipe("condyle", "test", 4, "pd", shape=(192, 192)),
    "abdomen-test": Recipe("abdomen", "test", 6, "t2", n_coils=(12, 12)),
    "ellipses-test": Recipe("ellipses", "test", 6),
}


@dataclass(frozen=True)
class Simulated:
    """A scan with what only a simulation knows.

    `kspace` (coil, H, W) has noise, `truth` (H, W) is the noise-free image on the same grid. The true `coil_maps`
    (coil, H, W) are for oracles only. `labels` are uint8 (H, W). `attrs` and `header` go into the file. Where there are
    several slices, their axis stands in front, of all but the maps, which they share.
    """

    kspace: Tensor
    truth: Tensor
    coil_maps: Tensor
    labels: Tensor
    attrs: dict
    header: dict


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a data set.

    Raises:
        UserError: no such data set.
    """
    if name not in RECIPES:
        raise UserError(f"there is no data set {name!r}; choose one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def simulate(name: str, index: int) -> Simulated:
    """Simulate scan number `index` of the data set `name`, the same at every call.

    Raises:
        UserError: no such data set or scan.
    """
    recipe = find_recipe(name)
    if not 0 <= index < recipe.count:
        raise UserError(f"{name} has {recipe.count} scans, numbered 0 to {recipe.count - 1}; there is no {index}")
    generator = split_generator(recipe.split, zlib.crc32(f"{name}/{index}".encode()))
    n_coils = int(torch.randint(recipe.n_coils[0], recipe.n_coils[1] + 1, (1,), generator=generator))
    low, high = recipe.noise_std
    noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))  # uniform in the logarithm
    unseen = index >= recipe.count - recipe.unseen
    attrs = {
        "patient_id": f"{name}-{index:02d}",
        "anatomy": recipe.anatomy,
        "contrast": recipe.contrast or "none",
        "noise_std": noise_std,
        "split": recipe.split,
        "unseen_slab": unseen,
        "simulated": True,
    }
    if recipe.anatomy == "ellipses":
        return _ellipses(recipe, n_coils, noise_std, attrs, generator)
    render = ANATOMIES[recipe.anatomy]
    if recipe.lesions:
        render = partial(render, lesions=index % 2 == 1)
    image, labels, details, fov = render(recipe, unseen, generator)
    image = image / quantile_scale(image.flatten(end_dim=-2))  # one factor for all slices
    array = random_array(n_coils, generator)
    maps = array.maps((FINENESS * recipe.shape[0], FINENESS * recipe.shape[1]))  # on the grid of the image
    kspace = simulate_scan(image, maps, recipe.shape, noise_std, generator)
    truth = band_limit(image, recipe.shape)
    header = {"encoded_fov_mm": (*fov, THICKNESS)}
    return Simulated(kspace, truth, array.maps(recipe.shape), labels, attrs | details, header)


def _head(
    recipe: Recipe, unseen: bool, generator: torch.Generator, device: Device = "cpu", lesions: bool | None = None
) -> Rendered:
    kind = (recipe.shape, recipe.anatomy, recipe.contrast, recipe.split)
    affected, thickness = float(lesions or False), THICKNESS if recipe.slices > 1 else None
    heads = fine_heads(recipe.slices, *kind, generator, None, unseen, device, affected, thickness)
    orientation = heads.slices.orientation[0]
    pixel = FINENESS * float(heads.slices.pixel[0])  # mm
    name = f"{PREFIX[orientation]}{heads.contrast.upper()}"
    details: dict[str, str | bool] = {"acquisition": name, "orientation": orientation}
    if lesions is not None:
        details["lesions"] = lesions
    one = 0 if recipe.slices == 1 else slice(None)  # a single slice has no axis of its own
    return heads.image[one], coarse_labels(heads)[one], details, (pixel * recipe.shape[0], pixel * recipe.shape[1])


def _phantom(draw: Callable[..., tuple[Tensor, Tensor]], acquisition: str, fov: float) -> Render:
    def render(recipe: Recipe, unseen: bool, generator: torch.Generator, device: Device = "cpu") -> Rendered:
        fine = (FINENESS * recipe.shape[0], FINENESS * recipe.shape[1])
        image, labels = draw(fine, generator)
        # pixel i of the scan lies where pixel FINENESS * i of the fine grid does
        coarse = labels[::FINENESS, ::FINENESS].to(torch.uint8)
        return image.to(device), coarse, {"acquisition": acquisition}, (fov, fov)

    return render


def _ellipses(recipe: Recipe, n_coils: int, noise_std: float, attrs: dict, generator: torch.Generator) -> Simulated:
    """Simulate exact k-space, from the closed form of an ellipse's transform. Labels count the ellipses from 1."""
    phantom = random_ellipses(generator=generator)
    coils = fit_coils(random_array(n_coils, generator))
    maps = normalise_maps(coils.sensitivities(recipe.shape)).to(torch.complex64)
    exact = coils.kspace(phantom, recipe.shape)
    # plane-wave coils do not sum to 1: their shading belongs to the image, as with any scan whose maps are normalised
    truth = mvue(exact, maps)
    scale = quantile_scale(truth)
    kspace = add_noise(exact / scale, noise_std, generator)
    labels = phantom.labels(recipe.shape).to(torch.uint8)
    return Simulated(kspace, truth / scale, maps, labels, attrs | {"acquisition": "ELLIPSES"}, {})


ANATOMIES: dict[str, Render] = {
    "clinical": _head,
    "randomised": _head,
    "knee": _phantom(knee_phantom, "SAGPD", 160.0),
    "condyle": _phantom(partial(knee_phantom, kind="condyle"), "SAGPD", 160.0),
    "abdomen": _phantom(abdomen_phantom, "AXT2ABDOMEN", 360.0),
}
