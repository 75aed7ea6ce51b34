"""How steady the several-coil networks are: along their cascades, with other K and other R, and under attack.

The worst perturbation is looked for in the l2 ball of the noise's expected norm, with coil maps and scale held fixed.
Images are magnitudes, in the attack and in what it changes: VarNet's phase is relative to maps of its own.
"""

from __future__ import annotations

import torch

from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import find_shift
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.shifted import shifted_scan
from mrilab.flat.network import FLAT
from mrilab.flat.stability import expected_norm, steadiness, worst_case
from mrilab.physics import make_mask
from mrilab.physics.coils import calibration_lines
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import acquire, full_reference
from mrilab.training.checkpoints import load_checkpoint

NETWORKS = ("flat-derived-t2", "flat-free-t2", "flat-shared-t2", "varnet-t2", "modl-t2", "ista-t2")
STEADY = ("violations", "drawdown", "distance", "detour", "law")
MEASURED = (*STEADY, "psnr", "psnr_noise", "psnr_worst", "amplification_noise", "amplification_worst")
SCANS = 6


def cases() -> list[dict]:
    name = find_shift("none").dataset
    count = min(SCANS, find_recipe(name).count)
    return [
        {"network": network, "acceleration": acceleration, "scan": f"{name}-{index:02d}"}
        for network in NETWORKS
        for acceleration in (4, 8, 12)
        for index in range(count)
    ]


def measure(case: dict) -> dict[str, float]:
    network, _ = load_checkpoint(case["network"])
    scan, _, index = shifted_scan("none", case["scan"])
    full = scan.kspace[0]  # (coil, H, W)
    mask = make_mask("equispaced", tuple(full.shape[-2:]), case["acceleration"])
    measured, _ = acquire(full, mask)
    y, maps, unit = measured.kspace, measured.coil_maps, measured.scale()
    reference = full_reference(full) / unit
    third = calibration_lines(mask, tuple(full.shape[-2:])) if isinstance(network, VarNet) else maps

    def run(y):
        made = network(y[None], mask[None], third[None])
        return (made[0] if isinstance(network, MoDL | VarNet) else made.states[-1, 0]).abs()

    y = y / unit
    values = dict.fromkeys(STEADY, float("nan"))
    with torch.no_grad():
        if isinstance(network, FLAT):
            way = steadiness(network(y[None], mask[None], maps[None]).states[:, 0], torch.tensor(network.t), reference)
            values = {name: float(getattr(way, name)) for name in STEADY}
        plain = run(y)
    noise_std = scan.attrs["noise_std"] / float(unit)
    radius = expected_norm(noise_std, mask, tuple(y.shape))
    generator = torch.Generator().manual_seed(index)
    noise = complex_noise(y.shape, generator) * mask
    noise = noise * (radius / torch.linalg.vector_norm(noise))
    with torch.no_grad():
        noisy = run(y + noise)
    worst = worst_case(run, y, mask, reference.abs(), radius, generator)
    return values | {
        "psnr": psnr(plain, reference),
        "psnr_noise": psnr(noisy, reference),
        "psnr_worst": psnr(worst.image, reference),
        "amplification_noise": float(torch.linalg.vector_norm(noisy - plain)) / radius,
        "amplification_worst": worst.amplification,
    }


EXPERIMENT = Experiment(
    title="steadiness of unrolled networks along their cascades, and under the worst perturbation of the data",
    keys=("network", "acceleration", "scan"),
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
