"""MoDL and E2E-VarNet, trained on T2 heads and vertical lines at R = 3 and 6, in distribution and under every shift.

"modl-1" and "modl-2" are MoDL from other seeds: how much of a difference is the luck of a training. "modl-retrained"
was trained on with scans of the very shift that it is tested under: what it loses is the harder problem, not the shift.
"""

from __future__ import annotations

from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.shifted import KEYS, MEASURED, measure_shifted, shifted_cases

CHECKPOINTS = {"modl": "modl-t2", "modl-1": "modl-t2-1", "modl-2": "modl-t2-2", "varnet": "varnet-t2"}


def cases() -> list[dict]:
    retrained = [case for case in shifted_cases(("modl-retrained",)) if case["shift"] != "none"]
    return shifted_cases(tuple(CHECKPOINTS)) + retrained


def measure(case: dict) -> dict[str, float]:
    network = CHECKPOINTS.get(case["method"], f"modl-{case['shift']}")
    return measure_shifted(case, case["method"].split("-")[0], network=network)


EXPERIMENT = Experiment(
    title="MoDL and VarNet in distribution and under shifts, three seeds, and MoDL trained for each shift",
    keys=KEYS,
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
