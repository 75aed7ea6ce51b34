"""The settings of the unguided sampler, on two validation heads at R = 4 and 16.

The rule, written before the run: the highest mean PSNR of the mean of 8 samples of 30 steps over the four cases. The
priors are compared with the settings that win with `score-t2`. `ddim` stands beside them: lesson 2's sampler, which
draws all noise anew and has too little spread, so spread is measured as well.
"""

from typing import Any

from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.uncertainty import inside_object

HEADS = ("heads-t2-val-00", "heads-t2-val-01")
ACCELERATIONS = (4, 16)
SAMPLES = 8
STEPS = 30
# prior, grid, data step, last step, conjugate-gradient iterations, relative noise, eta, split
BASE = ("score-t2", "geometric", "proximal", "proximal", 5, 0.02, 1.0, "ddim")
PARTS = ("prior", "grid", "data_step", "last_step", "iterations", "relative_noise", "eta", "split")


def candidates() -> list[tuple]:
    """Return the base, and what differs from it in one setting or two."""
    changes: list[dict[str, Any]] = [{"relative_noise": noise} for noise in (0.005, 0.01, 0.014, 0.02, 0.028)]
    changes += [{"iterations": 10}, {"eta": 0.85}, {"eta": 0.85, "split": "constant"}]
    changes += [{"data_step": "cg"}, {"data_step": "cg", "iterations": 2}, {"data_step": "released"}]
    changes += [{"last_step": "released"}, {"last_step": "least-squares"}, {"grid": "uniform"}]
    changes += [{"prior": "diffusion-t2"}, {"prior": "diffusion-t2", "grid": "uniform"}]
    changes += [{"prior": "diffusion-t2", "last_step": "released"}]  # the winner with the other prior
    return [tuple((dict(zip(PARTS, BASE, strict=True)) | change).values()) for change in changes]


def cases() -> list[tuple]:
    """Return one case a candidate, acceleration and validation head, after `ddim`, whose other settings are unused."""
    listed = [("ddim", *BASE), *(("dds", *candidate) for candidate in candidates())]
    return [(head, r, *case) for case in listed for r in ACCELERATIONS for head in HEADS]


@experiment(
    "data step, noise weight and grid of the diffusion sampler on two validation heads at R = 4 and 16",
    measured=("psnr", "ssim", "psnr_one_sample", "deviation", "error"),
    cases=cases,
)
def measure(
    scan: str,
    acceleration: int,
    method: str,
    prior: str,
    grid: str,
    data_step: str,
    last_step: str,
    iterations: int,
    relative_noise: float,
    eta: float,
    split: str,
) -> dict[str, float]:
    """Reconstruct one validation head with one candidate; deviation and error are means over the head."""
    options: dict[str, Any] = {"samples": SAMPLES, "prior": prior, "steps": STEPS}
    if method == "dds":
        options |= {"grid": grid, "data_step": data_step, "last_step": last_step, "iterations": iterations}
        options |= {"relative_noise": relative_noise, "eta": eta, "split": split}
    (result,) = reconstruct(scan_of(scan), method, acceleration=acceleration, mask="poisson", **options).slices
    reference, deviation, draws = result.reference, result.uncertainty, result.samples
    assert reference is not None and deviation is not None and draws is not None  # heads have all lines
    inside = inside_object(reference)
    return {
        "psnr": result.metrics["psnr"],
        "ssim": result.metrics["ssim"],
        "psnr_one_sample": sum(psnr(draw, reference) for draw in draws) / len(draws),
        "deviation": float(deviation[inside].mean()),
        "error": float((result.image.abs() - reference.abs()).abs()[inside].mean()),
    }
