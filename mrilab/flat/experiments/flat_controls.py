"""What each part of FLAT is worth: controls that differ in one factor, trained alike, single coil, 64 x 64.

A case is a training. All controls are trained with three seeds on the middle of the grid, then those to which they mean
something with other schedules and numbers of cascades. The rule that goes on is chosen by `validation`. The test heads
are reconstructed once, by the network that the training ends with. `psnr_worst` and `amplification` are means over the
first ATTACKED heads, so `psnr_4`, over all of them, is not what `psnr_worst` fell from.
"""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.flat.network import FLAT
from mrilab.flat.stability import expected_norm, steadiness, worst_case
from mrilab.flat.train import CONTROLS, NOISE_STD, QUANTILE_LEFT, SINGLE_SIDE, TASKS, single_coil
from mrilab.machine import multiplies_bfloat16
from mrilab.paths import BUILD
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition
from mrilab.training.engine import STATE, fit

SEEDS = (0, 1, 2)
ALPHA = 1.0  # exponent of the time grid in the middle of the grid
CASCADES = 12  # number of cascades there
OTHER_ALPHAS = (0.0, 2.0, 4.0)
OTHER_CASCADES = (4, 8, 16)
TESTED = (4, 8, 12)  # accelerations; the last was not trained
HEADS = 12
ATTACKED = 4  # heads that the worst perturbation is looked for on
SAMPLES = 8  # starts of a network that starts from noise
STEADY = ("violations", "drawdown", "distance", "detour", "law")
MEASURED = (
    "validation",
    *(f"{name}_{r}" for r in TESTED for name in ("psnr", "ssim")),
    *STEADY,
    "psnr_worst",
    "amplification",
    *(f"psnr_{steps}_steps" for steps in (6, 24)),
)


def cases() -> list[tuple]:
    """Return the middle of the grid with all seeds, then the rest, seed by seed: stopped early, it is still of use."""
    middle = [(control, ALPHA, CASCADES) for control in CONTROLS]
    rest = [(control, alpha, CASCADES) for alpha in OTHER_ALPHAS for control in ("aligned", "paper", "derived")]
    rest += [(control, ALPHA, K) for K in OTHER_CASCADES for control in ("free", "derived")]
    return [(*each, seed) for grid in (middle, rest) for seed in SEEDS for each in grid]


@experiment(
    "what each part of FLAT is worth: controls, schedules and cascades (each case trains a network)", MEASURED, cases
)
def measure(control: str, alpha: float, cascades: int, seed: int) -> dict[str, float]:
    """Train one network, or resume its training, and measure it on the test heads."""
    network, validation = trained(control, alpha, cascades, seed)
    values = {"validation": validation}
    for r in TESTED:
        values |= {f"{name}_{r}": value for name, value in _quality(network, heads(r)).items()}
    values |= _stability(network, heads(4))
    for steps in (6, 24):
        other = _quality(network, heads(4), steps)["psnr"] if network.shared else float("nan")
        values[f"psnr_{steps}_steps"] = other
    return values


def trained(control: str, alpha: float, cascades: int, seed: int) -> tuple[FLAT, float]:
    """Return the network of a case and its validation loss. The training of a stopped run is resumed."""
    trainable = TASKS[f"flat-{control}-single"]
    chosen = trainable.profiles["teach"]
    precision = "bf16-mixed" if multiplies_bfloat16(torch.device("cpu")) else "auto"
    settings = replace(chosen.settings, seed=seed, precision=precision)
    task = trainable.build(chosen.side, chosen.width, seed, float(alpha), int(cascades))
    folder = BUILD / "training" / "controls" / f"{control}-{alpha}-{cascades}-{seed}"
    outcome = fit(task, settings, folder, resume=(folder / STATE).exists(), progress=False)
    if outcome.stopped_by:
        raise KeyboardInterrupt  # the row is not written, and the next run resumes from the state
    assert isinstance(outcome.network, FLAT)
    return outcome.network.eval().requires_grad_(False), outcome.validation_loss


@lru_cache(maxsize=len(TESTED))
def heads(acceleration: int) -> Acquisition:
    """Return the test heads at one acceleration."""
    generator = torch.Generator().manual_seed(acceleration)
    return single_coil(HEADS, SINGLE_SIDE, generator, "test", accelerations=(acceleration,))


def _states(network: FLAT, scans: Acquisition, steps: int | None = None) -> Tensor:
    """Return the states, (K + 1, n, H, W): their mean over SAMPLES starts for a network that starts from noise."""
    generator = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(SAMPLES if network.s else 1):
        eps = complex_noise(scans.target.shape, generator)
        draws.append(network(scans, eps=eps, steps=steps).states)
    return torch.stack(draws).mean(0)


@torch.no_grad()
def _quality(network: FLAT, scans: Acquisition, steps: int | None = None) -> dict[str, float]:
    """Return means over the heads."""
    pairs = list(zip(_states(network, scans, steps)[-1], scans.target, strict=True))
    return {
        "psnr": sum(psnr(*pair) for pair in pairs) / len(pairs),
        "ssim": sum(ssim(*pair) for pair in pairs) / len(pairs),
    }


def _stability(network: FLAT, scans: Acquisition) -> dict[str, float]:
    """Return means over the heads, and over the first ATTACKED under the worst perturbation that the search finds."""
    with torch.no_grad():
        states = _states(network, scans)  # (K + 1, n, H, W)
    t = torch.tensor(network.t, dtype=torch.float64)
    paths = [steadiness(states[:, n], t, scans.target[n]) for n in range(HEADS)]
    values = {name: sum(getattr(path, name) for path in paths) / HEADS for name in STEADY}
    attacked = []
    for n in range(ATTACKED):
        mask, clean = scans.mask[n], scans.target[n]
        radius = expected_norm(NOISE_STD / QUANTILE_LEFT, mask, scans.kspace.shape[1:])
        eps = torch.zeros_like(clean)[None]

        def reconstruct(y: Tensor, mask: Tensor = mask, maps: Tensor = scans.coil_maps[n], eps: Tensor = eps) -> Tensor:
            return network(Acquisition(y, mask, maps).batch(), eps=eps).image[0]

        worst, amplification = worst_case(
            reconstruct, scans.kspace[n], mask, clean, radius, torch.Generator().manual_seed(n)
        )
        attacked.append((psnr(worst, clean), amplification))
    values["psnr_worst"], values["amplification"] = (sum(each) / ATTACKED for each in zip(*attacked, strict=True))
    return values
