"""FLAT beside other unrolled networks and beside samplers, several coils: quality for so many network calls.

The heads are reconstructed by every method with its usual network. Knees and abdomens, which no network was trained
for, are reconstructed by those that matter there. MoDL and VarNet are lesson 2's and were trained at R = 3 and 6, the
others at 4 and 8.
"""

from dataclasses import dataclass, field
from typing import Any

from mrilab.csgm.langevin import LEVELS, STEPS_PER_LEVEL
from mrilab.csgm.prior import PILOT_SHARE
from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import find_shift
from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.shifted import MEASURED, measure_shifted

PRIOR = {"prior": "score-t2"}
CASCADES = 12


@dataclass(frozen=True)
class Run:
    """A method of `mrilab recon` with its options, and how often it calls a network."""

    method: str
    calls: int
    options: dict[str, Any] = field(default_factory=dict)


def _ddim(steps: int, samples: int) -> Run:
    """Return a run of `ddim`; its calls include the pilot."""
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
SLOW = ("langevin-mean-8",)  # runs that take a minute a scan
FEW = 4  # scans for those
GRID = [("none", r, tuple(RUNS)) for r in (4, 8, 12)]
GRID += [(shift, r, ELSEWHERE) for shift in ("knee", "abdomen") for r in (4, 8)]


def cases() -> list[tuple]:
    """Return one case a condition, run and scan."""
    return [
        (shift, acceleration, f"{name}-{index:02d}", run)
        for shift, acceleration, runs in GRID
        for name in [find_shift(shift).dataset]
        for run in runs
        for index in range(find_recipe(name).count)[: FEW if run in SLOW else None]
    ]


@experiment(
    "FLAT, unrolled networks and samplers: quality for so many network calls",
    measured=(*MEASURED, "network_calls"),
    cases=cases,
)
def measure(shift: str, acceleration: int, scan: str, run: str) -> dict[str, float]:
    """Reconstruct one scan with one run."""
    chosen = RUNS[run]
    return measure_shifted(shift, acceleration, scan, chosen.method, **chosen.options) | {"network_calls": chosen.calls}
