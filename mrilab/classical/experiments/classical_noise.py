"""Does the g-factor predict how much PSNR undersampling costs? SENSE on heads with maps that are estimated.

Predicted is 10 log10 of the mean of g^2 R over the head: what noise alone would cost if the maps were right. Measured
is the PSNR of the fully sampled image less that of the unfolded one, both over the head against the noise-free image.
The prediction fails where the maps are wrong, where they vary inside a pixel, or where the support cuts off signal.
"""

import math

import torch
from torch import Tensor

from mrilab.data.embedded import dataset
from mrilab.evaluation.experiments import experiment, scan_of, simulation_of
from mrilab.physics import espirit, g_factor, ifft2c, mvue, object_support, sense_unfold

DATASETS = ("heads-t2-val", "heads-t2-test")
ACCELERATIONS = (2, 4)
MEASURED = ("predicted_loss", "measured_loss", "mean_g")


def cases() -> list[tuple]:
    """Return one case a head and acceleration."""
    return [(path.stem, each) for name in DATASETS for path in dataset(name) for each in ACCELERATIONS]


@experiment("the loss of PSNR that the g-factor predicts, and the loss that SENSE has", MEASURED, cases)
def measure(scan: str, acceleration: int) -> dict[str, float]:
    """Unfold one head from every R-th line through DC."""
    kspace, truth = scan_of(scan).kspace[0], simulation_of(scan).truth  # (coil, H, W), (H, W)
    maps = espirit(kspace)
    full = mvue(kspace, maps)
    support = object_support(full)
    lines = (torch.arange(kspace.shape[-1]) - kspace.shape[-1] // 2) % acceleration == 0
    unfolded = sense_unfold(ifft2c(kspace * lines), maps, acceleration, support=support)
    g = g_factor(maps, acceleration, support=support)
    head = support & (truth.abs() > 0.1)  # of the 0.99 quantile, which is 1

    def decibels(x: Tensor) -> float:
        return -10 * math.log10(float((x.abs() - truth.abs())[head].square().mean()))

    return {
        "predicted_loss": 10 * math.log10(float(g[head].square().mean()) * acceleration),
        "measured_loss": decibels(full) - decibels(unfolded),
        "mean_g": float(g[head].mean()),
    }
