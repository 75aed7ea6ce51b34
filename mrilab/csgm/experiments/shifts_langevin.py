"""Langevin sampling with `score-t2`, trained on T2 heads, in distribution and under every shift.

Mean of 4 samples, settings as everywhere: tuned once, on two validation heads at R = 4.
"""

from __future__ import annotations

from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.shifted import KEYS, MEASURED, measure_shifted, shifted_cases

SAMPLES = 4


def cases() -> list[dict]:
    return shifted_cases(("langevin",))


def measure(case: dict) -> dict[str, float]:
    return measure_shifted(case, "langevin", prior="score-t2", samples=SAMPLES)


EXPERIMENT = Experiment(
    title="Langevin sampling in distribution and under shifts",
    keys=KEYS,
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
