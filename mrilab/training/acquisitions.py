"""Training examples of whole acquisitions, made on the fly: undersampled data, maps from them, and the reference."""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data.recipes import ANATOMIES, Recipe
from mrilab.data.slices import split_generator
from mrilab.physics.coils import calibration_lines, calibration_width
from mrilab.physics.protocol import Acquisition, acquire, full_reference
from mrilab.physics.sampling import make_mask
from mrilab.physics.scale import quantile_scale

POINTS_ACS = 16  # points, side of the calibration square of Poisson masks at 128 x 128, as `poisson_mask` has it
ACCELERATIONS = (3, 6)  # equally likely, as in Jalal et al., NeurIPS 2021, appendix G


def acquisitions(
    n: int,
    recipe: Recipe,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    mask: str = "equispaced",
    direction: str = "vertical",
    accelerations: tuple[int, ...] = ACCELERATIONS,
) -> Acquisition:
    """Simulate `n` new objects as the recipe's scans are made and the evaluation takes them.

    Each lies in a receive array of its own. Its data are in units of the 0.99 quantile of the zero-filled MVUE. The
    true maps are gone once the data are simulated. All have the recipe's fewest coils, since a batch has one number of
    them. `mask` and `direction` are those of `make_mask`. The accelerations are equally likely.
    """
    scans = []
    for _ in range(n):
        seed = int(torch.randint(2**60, (), generator=generator))
        image = ANATOMIES[recipe.anatomy](recipe, False, split_generator(recipe.split, seed), device)[0]
        image = image / quantile_scale(image)  # (FINENESS H, FINENESS W)
        acceleration = accelerations[int(torch.randint(len(accelerations), (), generator=generator))]
        low, high = recipe.noise_std
        noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))  # uniform in the logarithm
        true_maps = random_array(recipe.n_coils[0], generator).maps((image.shape[0], image.shape[1])).to(device)
        full = simulate_scan(image, true_maps, recipe.shape, noise_std, generator)  # (coil, H, W)
        reference = full_reference(full)
        # stays on the CPU, where it is looked at
        sampled = training_mask(mask, recipe.shape, acceleration, direction, generator)
        scan, _ = acquire(full, sampled)
        scan = scan._replace(reference=reference, acs=calibration_lines(sampled, recipe.shape).to(device))
        scan = scan.over(scan.scale())
        scans.append(scan._replace(mask=sampled.to(device)))
    return Acquisition(*(torch.stack(fields) for fields in zip(*scans, strict=True)))


def training_mask(
    mask: str, shape: tuple[int, int], acceleration: float, direction: str, generator: torch.Generator
) -> Tensor:
    """Return a mask of `make_mask` with a calibration region that is large enough for ESPIRiT."""
    if mask == "poisson":
        acs = min(POINTS_ACS, min(shape) // 4)
    else:
        acs = calibration_width(shape[1 if direction == "vertical" else 0], acceleration)
    return make_mask(mask, shape, acceleration, direction, generator, acs)


def mask_drawer(
    mask: str, direction: str, accelerations: tuple[int, ...]
) -> Callable[[tuple[int, int], int, torch.Generator], Tensor]:
    """Return a function (shape, coils, generator) that draws a training mask, the accelerations equally likely."""

    def draw(shape: tuple[int, int], coils: int, generator: torch.Generator) -> Tensor:
        acceleration = accelerations[int(torch.randint(len(accelerations), (), generator=generator))]
        return training_mask(mask, shape, acceleration, direction, generator)

    return draw
