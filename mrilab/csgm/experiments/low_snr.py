"""Six times the noise: where Langevin sampling as published, which trusts the data fully, is not the best.

Four test heads at R = 4, quality against the noise-free truth. "langevin" has noise_std 0, as in the paper's
experiments; "langevin-noise" is told the noise, which Equation 4 has a place for. The weights of the others stay.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from mrilab.anatomy.acquire import add_noise
from mrilab.csgm.experiments.langevin_uncertainty import ACCELERATION, DATASET, SCANS
from mrilab.data.embedded import dataset
from mrilab.data.recipes import simulate
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.reconstruct import reconstruct

METHODS = ("zero-filled", "cg-sense", "l1-wavelet", "langevin", "langevin-noise")
FACTORS = (6, 1)  # of the noise that the scan has
SAMPLES = 8


def cases() -> list[dict]:
    """One case a noise level, head and method."""
    return [
        {"scan": dataset(DATASET)[index].stem, "method": method, "noise_factor": factor, "seed": 0}
        for factor in FACTORS
        for index in SCANS
        for method in METHODS
    ]


def measure(case: dict) -> dict[str, float]:
    """PSNR and SSIM to the noise-free truth."""
    (index,) = [index for index, path in enumerate(dataset(DATASET)) if path.stem == case["scan"]]
    simulated = simulate(DATASET, index)
    noise_std = simulated.attrs["noise_std"]
    added = noise_std * (case["noise_factor"] ** 2 - 1) ** 0.5  # variances add
    kspace = add_noise(simulated.kspace, added, torch.Generator().manual_seed(case["seed"]))
    scan = replace(read_scan(dataset(DATASET)[index]), kspace=kspace[None])
    method = case["method"].removesuffix("-noise")
    options = {}
    if method == "langevin":
        known = case["noise_factor"] * noise_std if case["method"].endswith("-noise") else 0.0
        options = {"prior": "score-t2", "samples": SAMPLES, "noise_std": known}
    result = reconstruct(scan, method, acceleration=ACCELERATION, seed=case["seed"], **options)
    image = result.slices[0].image
    return {"psnr": psnr(image, simulated.truth), "ssim": ssim(image, simulated.truth)}


EXPERIMENT = Experiment(
    title="the same heads with six times the noise: Langevin with and without its noise term, and the others",
    keys=("scan", "method", "noise_factor", "seed"),
    measured=("psnr", "ssim"),
    cases=cases,
    measure=measure,
)
