"""The settings of Langevin sampling, on two validation heads at R = 4; what wins here is fixed for every scan.

The rule, declared before the run: the highest mean PSNR of the mean of 4 samples over the two heads, among settings of
at most 160 network calls. One setting of 1200 calls stands beside them, to show what that budget costs.
Budget and candidates were fixed before the run, but after a probe of six settings with a half-trained network on a
third validation head, which had found small steps too slow.
"""

from typing import Any

from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.reconstruct import reconstruct

HEADS = ("heads-t2-val-00", "heads-t2-val-01")
ACCELERATION = 4
SAMPLES = 4
# levels, steps a level, relative step, gamma ratio
CANDIDATES = [(levels, 160 // levels, step, 1.0) for levels in (53, 80, 160) for step in (0.4, 0.8, 0.95)]
CANDIDATES += [(80, 2, step, gamma) for step, gamma in ((0.35, 0.5), (0.8, 2.0), (1.2, 2.0))]
CANDIDATES += [(400, 3, 0.4, 1.0)]


def cases() -> list[tuple]:
    """Return one case a candidate and validation head."""
    return [(head, *candidate, 0) for candidate in CANDIDATES for head in HEADS]


@experiment(
    "steps and data weight of Langevin sampling at R = 4 on two validation heads",
    measured=("psnr", "ssim", "nrmse", "psnr_masked"),
    cases=cases,
)
def measure(
    scan: str, levels: int, steps_per_level: int, relative_step: float, gamma_ratio: float, seed: int
) -> dict[str, float]:
    """Reconstruct one validation head with one candidate."""
    settings: dict[str, Any] = {"levels": levels, "steps_per_level": steps_per_level, "relative_step": relative_step}
    settings |= {"gamma_ratio": gamma_ratio, "prior": "score-t2", "samples": SAMPLES}
    return reconstruct(scan_of(scan), "langevin", acceleration=ACCELERATION, seed=seed, **settings).slices[0].metrics
