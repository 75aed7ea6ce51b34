"""Methods that know no training data, in distribution and under every shift: the yardstick of the trained ones.

ConvDecoder takes one to three minutes a scan, so it gets four heads of each condition; the others all.
"""

from __future__ import annotations

from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.shifted import KEYS, MEASURED, measure_shifted, shifted_cases

METHODS = ("zero-filled", "cg-sense", "l1-wavelet")
FEW = 4  # scans for ConvDecoder


def cases() -> list[dict]:
    return shifted_cases(METHODS) + shifted_cases(("convdecoder",), FEW)


def measure(case: dict) -> dict[str, float]:
    return measure_shifted(case, case["method"])


EXPERIMENT = Experiment(
    title="zero-filled, CG-SENSE, L1-wavelet and ConvDecoder in distribution and under shifts",
    keys=KEYS,
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
