"""How steady the several-coil networks are: along their cascades, with other K and other R, and under attack.

The search for the worst perturbation stays in the l2 ball of the noise's expected norm, with coil maps and scale fixed.
Images are magnitudes, in the attack and in what it changes: VarNet's phase is relative to maps of its own.
"""

import torch
from torch import Tensor

from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import find_shift
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.metrics import psnr
from mrilab.flat.network import FLAT
from mrilab.flat.stability import expected_norm, steadiness, worst_case
from mrilab.physics import make_mask
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import acquire, full_reference
from mrilab.training.checkpoints import load_checkpoint

NETWORKS = ("flat-derived-t2", "flat-free-t2", "flat-shared-t2", "varnet-t2", "modl-t2", "ista-t2")
STEADY = ("violations", "drawdown", "distance", "detour", "law")
MEASURED = (*STEADY, "psnr", "psnr_noise", "psnr_worst", "amplification_noise", "amplification_worst")
SCANS = 6  # the first test heads


def cases() -> list[tuple]:
    """Return one case a network, acceleration and head."""
    name = find_shift("none").dataset
    count = min(SCANS, find_recipe(name).count)
    return [
        (network, acceleration, f"{name}-{index:02d}")
        for network in NETWORKS
        for acceleration in (4, 8, 12)
        for index in range(count)
    ]


@experiment(
    "steadiness of unrolled networks along their cascades, and under the worst perturbation of the data",
    MEASURED,
    cases,
)
def measure(network: str, acceleration: int, scan: str) -> dict[str, float]:
    """Measure one network on one head."""
    trained, _ = load_checkpoint(network)
    head, index = scan_of(scan), int(scan.rpartition("-")[2])
    full = head.kspace[0]  # (coil, H, W)
    mask = make_mask("equispaced", head.shape, acceleration)
    measured, _ = acquire(full, mask)
    y, unit = measured.kspace, measured.scale()
    reference = full_reference(full) / unit

    def states(y: Tensor) -> Tensor:
        """Return the states of the network, (K + 1, H, W)."""
        return trained(measured._replace(kspace=y).batch()).states[:, 0]

    def run(y: Tensor) -> Tensor:
        return states(y)[-1].abs()

    y = y / unit
    values = dict.fromkeys(STEADY, float("nan"))
    with torch.no_grad():
        if isinstance(trained, FLAT):
            path = steadiness(states(y), torch.tensor(trained.t), reference)
            values = {name: float(getattr(path, name)) for name in STEADY}
        plain = run(y)
    noise_std = head.attrs["noise_std"] / float(unit)
    radius = expected_norm(noise_std, mask, tuple(y.shape))
    generator = torch.Generator().manual_seed(index)
    noise = complex_noise(y.shape, generator) * mask
    noise = noise * (radius / torch.linalg.vector_norm(noise))
    with torch.no_grad():
        noisy = run(y + noise)
    worst, amplification = worst_case(run, y, mask, reference.abs(), radius, generator)
    return values | {
        "psnr": psnr(plain, reference),
        "psnr_noise": psnr(noisy, reference),
        "psnr_worst": psnr(worst, reference),
        "amplification_noise": float(torch.linalg.vector_norm(noisy - plain)) / radius,
        "amplification_worst": amplification,
    }
