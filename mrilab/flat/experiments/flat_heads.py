"""FLAT beside other unrolled networks and beside samplers, several coils: quality for so many network calls.

Every method with its usual network on the heads; on knees and abdomens, which none was trained for, those that matter
there. MoDL and VarNet are lesson 2's and were trained at R = 3 and 6, the others at 4 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mrilab.csgm.langevin import LEVELS, PILOT_SHARE, STEPS_PER_LEVEL
from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import find_shift
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.shifted import MEASURED, measure_shifted

PRIOR = {"prior": "score-t2"}
CASCADES = 12


@dataclass(frozen=True)
class Run:
    """A method of `mrilab recon` with its options, and how often it calls a network."""

    method: str
    calls: int
    options: dict = field(default_factory=dict)


def _ddim(steps: int, samples: int) -> Run:
    calls = max(2, steps // PILOT_SHARE) + steps * samples
    return Run("ddim", calls, {**PRIOR, "steps": steps, "samples": samples})


RUNS = {
    "flat-derived": Run("flat", CASCADES, {"network": "flat-derived-t2"}),
    "flat-free": Run("flat", CASCADES, {"network": "flat-free-t2"}),
    **{
        f"flat-shared-{steps}": Run("flat", steps, {"network": "flat-shared-t2", "steps": steps})
        for steps in (6, CASCADES, 24)
    },
    "varnet": Run("varnet", 7, {"network": "varnet-t2"}),  # six cascades and the maps
    "modl": Run("modl", 6, {"network": "modl-t2"}),
    "ista": Run("ista", 9, {"network": "ista-t2"}),
    "l1-wavelet": Run("l1-wavelet", 0),
    **{f"ddim-{steps}": _ddim(steps, 1) for steps in (6, 12, 24, 48)},
    **{f"ddim-{steps}-mean-8": _ddim(steps, 8) for steps in (12, 24)},
    "langevin": Run("langevin", LEVELS * STEPS_PER_LEVEL * 5 // 4, {**PRIOR, "samples": 1}),  # with its pilot
    "langevin-mean-8": Run("langevin", LEVELS * STEPS_PER_LEVEL * 33 // 4, {**PRIOR, "samples": 8}),
}
ELSEWHERE = ("flat-derived", "flat-free", "flat-shared-12", "varnet", "modl", "ista", "l1-wavelet", "ddim-24-mean-8")
SLOW, FEW = ("langevin-mean-8",), 4  # scans for what takes a minute each
GRID = [("none", r, tuple(RUNS)) for r in (4, 8, 12)]
GRID += [(shift, r, ELSEWHERE) for shift in ("knee", "abdomen") for r in (4, 8)]
KEYS = ("shift", "acceleration", "scan", "run")


def cases() -> list[dict]:
    return [
        dict(zip(KEYS, (shift, acceleration, f"{name}-{index:02d}", run), strict=True))
        for shift, acceleration, runs in GRID
        for name in [find_shift(shift).dataset]
        for run in runs
        for index in range(find_recipe(name).count)[: FEW if run in SLOW else None]
    ]


def measure(case: dict) -> dict[str, float]:
    run = RUNS[case["run"]]
    return measure_shifted(case, run.method, **run.options) | {"network_calls": run.calls}


EXPERIMENT = Experiment(
    title="FLAT, unrolled networks and samplers: quality for so many network calls",
    keys=KEYS,
    measured=(*MEASURED, "network_calls"),
    cases=cases,
    measure=measure,
)
