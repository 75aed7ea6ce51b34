"""Training examples of whole acquisitions, made on the fly: undersampled data, maps from them, and the reference."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data.recipes import Recipe
from mrilab.data.slices import fine_heads, quantile_scale
from mrilab.nets.sensitivity import calibration_lines, calibration_width
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.coils import estimate_maps, mvue
from mrilab.physics.sampling import equispaced_mask

ACCELERATIONS = (3, 6)  # equally likely, as in Jalal et al., NeurIPS 2021, appendix G


class Acquisition(NamedTuple):
    """`n` scans, in units of the 0.99 quantile of their zero-filled MVUE.

    kspace: (n, coil, H, W), zero where not sampled.
    mask: (n, 1, W) bool.
    acs: (n, 1, W) bool, the calibration lines.
    coil_maps: (n, coil, H, W), from each scan's own calibration lines.
    reference: (n, H, W) complex, the MVUE of the fully sampled data, noise and all, with maps from those.
    """

    kspace: Tensor
    mask: Tensor
    acs: Tensor
    coil_maps: Tensor
    reference: Tensor


def acquisitions(n: int, recipe: Recipe, generator: torch.Generator, device="cpu") -> Acquisition:
    """`n` new heads, each in an array of its own, as the recipe's scans are made and the evaluation takes them.

    Maps, reference and scale come about as in `mrilab.evaluation.reconstruct`; the true maps are gone once the data are
    simulated. All have the recipe's fewest coils, since a batch has one number of them.
    """
    heads = fine_heads(n, recipe.shape, recipe.anatomy, recipe.contrast, recipe.split, generator, device=device)
    made = [_acquire(image / quantile_scale(image), recipe, generator) for image in heads.image]
    return Acquisition(*(torch.stack(tensors) for tensors in zip(*made, strict=True)))


def _acquire(image: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, ...]:
    """One scan of an image (FINENESS H, FINENESS W), without the batch dimension."""
    acceleration = ACCELERATIONS[int(torch.randint(len(ACCELERATIONS), (), generator=generator))]
    low, high = recipe.noise_std
    noise_std = low * (high / low) ** float(torch.rand(1, generator=generator))  # uniform in the logarithm
    true_maps = random_array(recipe.n_coils[0], generator).maps(image.shape).to(image.device)
    full = simulate_scan(image, true_maps, recipe.shape, noise_std, generator)  # (coil, H, W)
    everything = torch.ones(1, 1, dtype=torch.bool)
    reference = mvue(full, estimate_maps(full, everything)[0])

    acs = calibration_width(recipe.shape[1], acceleration)
    mask = equispaced_mask(recipe.shape, acceleration, acs=acs)  # stays on the CPU, where it is looked at
    y = full * mask.to(full.device)
    coil_maps, _ = estimate_maps(y, mask)
    scale = quantile_scale(SenseModel(coil_maps, mask).adjoint(y))  # (1, 1)
    lines = (each.to(full.device) for each in (mask, calibration_lines(mask, recipe.shape)))
    return y / scale, *lines, coil_maps, reference / scale
