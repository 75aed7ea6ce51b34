"""Langevin sampling with `score-t2`, trained on T2 heads, in distribution and under every shift.

Mean of 4 samples, settings as everywhere: tuned once, on two validation heads at R = 4.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.shifted import MEASURED, measure_shifted, shifted_cases

SAMPLES = 4


def cases() -> list[tuple]:
    """Return one case a condition and scan."""
    return shifted_cases(("langevin",))


@experiment("Langevin sampling in distribution and under shifts", MEASURED, cases)
def measure(shift: str, acceleration: int, scan: str, method: str) -> dict[str, float]:
    """Reconstruct one scan under a shift."""
    return measure_shifted(shift, acceleration, scan, method, prior="score-t2", samples=SAMPLES)
