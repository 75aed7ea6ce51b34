"""How to guide: range, strength and gradient, on two validation slabs at R = 4 and 16, grey matter and CSF.

The rule, written before the run: of the settings whose transfer at R = 16 (the second network's gap over the first's,
mean over slabs and classes) is at least 0.8 and that cost at most 0.5 dB there, the one with the largest gap. If none
reaches 0.8, the one of the largest transfer among those with at least twice RR's gap.
"""

from functools import lru_cache

from mrilab.evaluation.experiments import experiment
from mrilab.sgr.experiments.sgr_bounds import NETWORKS
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import MEASURED, Networks, Study

SLABS = ("heads-t2-slab-val-00", "heads-t2-slab-val-01")
ACCELERATIONS = (16, 4)
CLASSES = ("grey matter", "csf")
EVERYWHERE = 10.0  # above every sigma of the grid
# b, lowest and highest sigma, gradient
SETTINGS = [(b, 0.0, EVERYWHERE, "step") for b in (0.005, 0.01, 0.02)]
SETTINGS += [(b, 0.1, EVERYWHERE, "step") for b in (0.05, 0.1, 0.2)]
SETTINGS += [(0.02, 0.0, EVERYWHERE, "data"), (0.1, 0.1, EVERYWHERE, "data")]
SETTINGS += [(0.1, 0.2, EVERYWHERE, "step"), (0.05, 0.05, EVERYWHERE, "step"), (0.2, 0.1, EVERYWHERE, "data")]


def cases() -> list[tuple]:
    """Return one case a slab, acceleration, class and setting."""
    return [(s, r, name, *setting) for s in SLABS for r in ACCELERATIONS for name in CLASSES for setting in SETTINGS]


@lru_cache(maxsize=1)
def study(scan: str, acceleration: int) -> Study:
    """Return the study of a slab, whose samples all settings share."""
    return Study(scan, acceleration, Networks.load(*NETWORKS), Sampling())


@experiment("strength, range and gradient of guidance on two validation slabs at R = 4 and 16", MEASURED, cases)
def measure(
    scan: str, acceleration: int, name: str, b: float, lowest: float, highest: float, through: str
) -> dict[str, float]:
    """Measure both bounds of one class with one setting."""
    return study(scan, acceleration).row(name, b=b, range=(lowest, highest), through=through)
