"""Test scans of a shift, and one reconstruction of one of them: what the experiments on robustness share."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch

from mrilab.anatomy.acquire import add_noise
from mrilab.data.embedded import dataset
from mrilab.data.recipes import find_recipe, simulate
from mrilab.data.scans import Scan, read_scan
from mrilab.data.shifts import find_shift
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.result import Result

QUALITY = ("psnr", "ssim", "nrmse", "psnr_masked", "ssim_masked", "nrmse_masked")
MEASURED = (*QUALITY, "psnr_truth", "ssim_truth", "effective_acceleration", "method_seconds")
KEYS = ("shift", "acceleration", "scan", "method")
# in distribution the accelerations of the classical methods' figure; each shift below and beyond R = 6
GRID = [("none", r) for r in (2, 3, 4, 6, 8, 12)] + [
    (shift, r)
    for shift in ("horizontal", "random", "poisson", "t1", "flair", "knee", "abdomen", "fine", "noise")
    for r in (4, 8)
]


def shifted_cases(methods: tuple[str, ...], scans: int | None = None) -> list[dict]:
    """One case a method, test scan, and pair of GRID; only the first `scans` of each data set if that is given."""
    return [
        dict(zip(KEYS, (shift, acceleration, f"{name}-{index:02d}", method), strict=True))
        for shift, acceleration in GRID
        for name in [find_shift(shift).dataset]
        for index in range(find_recipe(name).count)[:scans]
        for method in methods
    ]


def shifted_scan(shift: str, scan: str) -> tuple[Scan, torch.Tensor, int]:
    """The test scan of this name under a shift, its noise-free truth (H, W), and its number in the data set."""
    found, index = find_shift(shift), int(scan.rpartition("-")[2])
    simulated, read = simulate(found.dataset, index), read_scan(dataset(found.dataset)[index])
    if found.noise_factor > 1:
        added = simulated.attrs["noise_std"] * (found.noise_factor**2 - 1) ** 0.5  # variances add
        kspace = add_noise(simulated.kspace, added, torch.Generator().manual_seed(index))
        read = replace(read, kspace=kspace[None])
    return read, simulated.truth, index


def reconstruct_shifted(shift: str, scan: Scan, index: int, acceleration: float, method: str, **options) -> Result:
    """`reconstruct` with the mask of a shift; where that is random, scan number `index` has its own."""
    found = find_shift(shift)
    sampling = {"mask": found.mask, "direction": found.direction, "seed": index}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*ESPIRiT")  # the fallback where the ACS is too small, as always
        return reconstruct(scan, method, acceleration=acceleration, **sampling, **options)


def measure_shifted(case: dict, method: str, **options) -> dict[str, float]:
    """Reconstruct one case with a method of `mrilab recon`: the values of MEASURED.

    PSNR and SSIM are to the MVUE of the fully sampled data, as everywhere, and `_truth` to the noise-free image, which
    counts where the reference itself is noise. Seconds are those of the method alone.
    """
    scan, truth, index = shifted_scan(case["shift"], case["scan"])
    result = reconstruct_shifted(case["shift"], scan, index, case["acceleration"], method, **options)
    image = result.slices[0].image
    return {
        **{name: result.metrics[name] for name in QUALITY},
        "psnr_truth": psnr(image, truth),
        "ssim_truth": ssim(image, truth),
        "effective_acceleration": result.effective_acceleration,
        "method_seconds": result.seconds,
    }
