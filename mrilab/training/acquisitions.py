"""Training examples of whole acquisitions, made on the fly: undersampled data, maps from them, and the reference."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data.recipes import ANATOMIES, Recipe
from mrilab.data.slices import quantile_scale, split_generator
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.coils import calibration_lines, calibration_width, estimate_maps, mvue
from mrilab.physics.sampling import make_mask

POINTS_ACS = 16  # side of the calibration square of Poisson masks at 128 x 128, as `poisson_mask` has it
ACCELERATIONS = (3, 6)  # equally likely, as in Jalal et al., NeurIPS 2021, appendix G


class Acquisition(NamedTuple):
    """`n` scans, in units of the 0.99 quantile of their zero-filled MVUE.

    kspace: (n, coil, H, W), zero where not sampled.
    mask: bool, (n, 1, W), (n, H, 1) or (n, H, W), for columns, rows or points.
    acs: bool, (n, 1, W) or (n, H, W): what VarNet estimates its maps from, see `calibration_lines`.
    coil_maps: (n, coil, H, W), from each scan's own calibration lines.
    reference: (n, H, W) complex, the MVUE of the fully sampled data, noise and all, with maps from those.
    """

    kspace: Tensor
    mask: Tensor
    acs: Tensor
    coil_maps: Tensor
    reference: Tensor


def acquisitions(
    n: int,
    recipe: Recipe,
    generator: torch.Generator,
    device="cpu",
    mask: str = "equispaced",
    direction: str = "vertical",
    accelerations: tuple[int, ...] = ACCELERATIONS,
) -> Acquisition:
    """`n` new objects, each in an array of its own, as the recipe's scans are made and the evaluation takes them.

    Maps, reference and scale come about as in `mrilab.evaluation.reconstruct`; the true maps are gone once the data are
    simulated. All have the recipe's fewest coils, since a batch has one number of them. `mask` and `direction` are
    those of `make_mask`; the accelerations are equally likely.
    """
    made = [_acquire(recipe, generator, device, mask, direction, accelerations) for _ in range(n)]
    return Acquisition(*(torch.stack(tensors) for tensors in zip(*made, strict=True)))


def _acquire(
    recipe: Recipe, generator: torch.Generator, device, kind: str, direction: str, accelerations: tuple[int, ...]
) -> tuple[Tensor, ...]:
    """One scan, without the batch dimension."""
    seed = int(torch.randint(2**60, (), generator=generator))
    image = ANATOMIES[recipe.anatomy](recipe, False, split_generator(recipe.split, seed), device)[0]
    image = image / quantile_scale(image)  # (FINENESS H, FINENESS W)
    acceleration = accelerations[int(torch.randint(len(accelerations), (), generator=generator))]
    low, high = recipe.noise_std
    noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))  # uniform in the logarithm
    true_maps = random_array(recipe.n_coils[0], generator).maps(image.shape).to(device)
    full = simulate_scan(image, true_maps, recipe.shape, noise_std, generator)  # (coil, H, W)
    everything = torch.ones(1, 1, dtype=torch.bool)
    reference = mvue(full, estimate_maps(full, everything)[0])

    if kind == "poisson":
        acs = min(POINTS_ACS, min(recipe.shape) // 4)
    else:
        acs = calibration_width(recipe.shape[1 if direction == "vertical" else 0], acceleration)
    # stays on the CPU, where it is looked at
    mask = make_mask(kind, recipe.shape, acceleration, direction, generator, acs)
    y = full * mask.to(device)
    coil_maps, _ = estimate_maps(y, mask)
    scale = quantile_scale(SenseModel(coil_maps, mask).adjoint(y))  # (1, 1)
    lines = (each.to(device) for each in (mask, calibration_lines(mask, recipe.shape)))
    return y / scale, *lines, coil_maps, reference / scale
