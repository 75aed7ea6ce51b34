"""Six times the noise: where Langevin sampling as published, which trusts the data fully, is not the best.

Four test heads at R = 4, quality against the noise-free image. "langevin" has noise_std 0, as in the paper's
experiments. "langevin-noise" has the noise of the data in the likelihood of equation (4). The weights of the others
stay.
"""

from dataclasses import replace
from typing import Any

import torch

from mrilab.anatomy.acquire import add_noise
from mrilab.csgm.experiments.langevin_uncertainty import ACCELERATION, HEADS
from mrilab.evaluation.experiments import experiment, scan_of, simulation_of
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.reconstruct import reconstruct

METHODS = ("zero-filled", "cg-sense", "l1-wavelet", "langevin", "langevin-noise")
FACTORS = (6, 1)  # how many times the noise that the scan has
SAMPLES = 8


def cases() -> list[tuple]:
    """Return one case a noise level, head and method."""
    return [(head, method, factor, 0) for factor in FACTORS for head in HEADS for method in METHODS]


@experiment(
    "the same heads with six times the noise: Langevin with and without its noise term, and the others",
    measured=("psnr", "ssim"),
    cases=cases,
)
def measure(scan: str, method: str, noise_factor: int, seed: int) -> dict[str, float]:
    """Measure PSNR and SSIM to the noise-free image."""
    simulated = simulation_of(scan)
    noise_std = simulated.attrs["noise_std"]
    added = noise_std * (noise_factor**2 - 1) ** 0.5  # variances add
    kspace = add_noise(simulated.kspace, added, torch.Generator().manual_seed(seed))
    options: dict[str, Any] = {}
    if method.startswith("langevin"):
        known = noise_factor * noise_std if method.endswith("-noise") else 0.0
        options = {"prior": "score-t2", "samples": SAMPLES, "noise_std": known}
    noisy = replace(scan_of(scan), kspace=kspace[None])
    result = reconstruct(noisy, method.removesuffix("-noise"), acceleration=ACCELERATION, seed=seed, **options)
    image = result.slices[0].image
    return {"psnr": psnr(image, simulated.truth), "ssim": ssim(image, simulated.truth)}
