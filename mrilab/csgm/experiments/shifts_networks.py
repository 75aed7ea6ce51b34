"""MoDL and E2E-VarNet, trained on T2 heads and vertical lines at R = 3 and 6, in distribution and under every shift.

"modl-seed-0" to "-2" are three MoDL trained alike but for the seed, each a twelfth as long as "modl": how much of a
difference is the luck of a training. "modl-retrained" was trained on with scans of the very shift that it is tested
under: what it loses is the harder problem, not the shift.
"""

from __future__ import annotations

from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.shifted import KEYS, MEASURED, measure_shifted, shifted_cases

CHECKPOINTS = {"modl": "modl-t2", "varnet": "varnet-t2"}
SEEDS = {f"modl-seed-{seed}": f"modl-t2-seed-{seed}" for seed in (0, 1, 2)}


def cases() -> list[dict]:
    retrained = [case for case in shifted_cases(("modl-retrained",)) if case["shift"] != "none"]
    seeds = [case for case in shifted_cases(tuple(SEEDS)) if case["shift"] == "none" or case["acceleration"] == 4]
    return shifted_cases(tuple(CHECKPOINTS)) + retrained + seeds


def measure(case: dict) -> dict[str, float]:
    network = (CHECKPOINTS | SEEDS).get(case["method"], f"modl-{case['shift']}")
    return measure_shifted(case, case["method"].split("-")[0], network=network)


EXPERIMENT = Experiment(
    title="MoDL and VarNet in distribution and under shifts, three seeds, and MoDL trained for each shift",
    keys=KEYS,
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
