"""Test scans of a shift, and one reconstruction of one of them: what the experiments on robustness share."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mrilab.anatomy.acquire import add_noise
from mrilab.data.recipes import find_recipe
from mrilab.data.scans import Scan
from mrilab.data.shifts import find_shift
from mrilab.evaluation.experiments import fallback_expected, scan_of, simulation_of
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.result import Result

QUALITY = ("psnr", "ssim", "nrmse", "psnr_masked", "ssim_masked", "nrmse_masked")
MEASURED = (*QUALITY, "psnr_truth", "ssim_truth", "effective_acceleration", "method_seconds")
# Shift and acceleration. In distribution the accelerations are those of the classical methods' figure. Each shift has
# one below and one beyond R = 6.
GRID = [("none", r) for r in (2, 3, 4, 6, 8, 12)] + [
    (shift, r)
    for shift in ("horizontal", "random", "poisson", "t1", "flair", "knee", "abdomen", "fine", "noise")
    for r in (4, 8)
]


def shifted_cases(methods: tuple[str, ...], scans: int | None = None) -> list[tuple]:
    """Return (shift, acceleration, scan, method) for each pair of GRID, test scan (or the first `scans`) and method."""
    return [
        (shift, acceleration, f"{name}-{index:02d}", method)
        for shift, acceleration in GRID
        for name in [find_shift(shift).dataset]
        for index in range(find_recipe(name).count)[:scans]
        for method in methods
    ]


def shifted_scan(shift: str, name: str) -> tuple[Scan, Tensor, int]:
    """Return the test scan of this name under a shift, its noise-free image (H, W), and its number in the data set."""
    scan, simulated, index = scan_of(name), simulation_of(name), int(name.rpartition("-")[2])
    factor = find_shift(shift).noise_factor
    if factor > 1:
        added = simulated.attrs["noise_std"] * (factor**2 - 1) ** 0.5  # variances add
        kspace = add_noise(simulated.kspace, added, torch.Generator().manual_seed(index))
        scan = replace(scan, kspace=kspace[None])
    return scan, simulated.truth, index


@fallback_expected()
def reconstruct_shifted(shift: str, scan: Scan, index: int, acceleration: float, method: str, **options: Any) -> Result:
    """Call `reconstruct` with the mask of a shift. Where that is random, scan number `index` has a mask of its own."""
    chosen = find_shift(shift)
    options |= {"mask": chosen.mask, "direction": chosen.direction, "seed": index}
    return reconstruct(scan, method, acceleration=acceleration, **options)


def measure_shifted(shift: str, acceleration: float, name: str, method: str, **options: Any) -> dict[str, float]:
    """Reconstruct a test scan under a shift with a method of `mrilab recon`, and return the values of MEASURED.

    PSNR and SSIM are to the MVUE of the fully sampled data, as everywhere, and `_truth` to the noise-free image, which
    counts where the reference itself is noise. Seconds are those of the method alone.
    """
    scan, truth, index = shifted_scan(shift, name)
    result = reconstruct_shifted(shift, scan, index, acceleration, method, **options)
    (slice_result,) = result.slices
    return {
        **{key: slice_result.metrics[key] for key in QUALITY},
        "psnr_truth": psnr(slice_result.image, truth),
        "ssim_truth": ssim(slice_result.image, truth),
        "effective_acceleration": result.effective_acceleration,
        "method_seconds": result.seconds,
    }
