"""How to guide: strength, range, gradient and view, on two validation slabs at R = 4 and 16, grey matter and CSF.

The rule, written before the run: of the settings whose transfer at R = 16 (the second network's gap over the first's,
mean over slabs and classes) is at least 0.8 and that cost at most 0.5 dB there, the one with the largest gap. If none
reaches 0.8, the one of the largest transfer among those with at least twice RR's gap.
"""

from functools import lru_cache
from typing import Any

from mrilab.evaluation.experiments import experiment
from mrilab.sgr.experiments.sgr_bounds import NETWORKS
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import UNATTACKED, Networks, Study

SLABS = ("heads-t2-slab-val-00", "heads-t2-slab-val-01")
ACCELERATIONS = (16, 4)
CLASSES = ("grey matter", "csf")
EVERYWHERE = 10.0  # above every sigma of the grid
# b, lowest and highest sigma, gradient, and how the segmentation network sees the image
SETTINGS = [(b, 0.0, EVERYWHERE, "data", "plain") for b in (0.01, 0.02)]
SETTINGS += [(0.02, 0.0, EVERYWHERE, "step", "plain"), (0.1, 0.1, EVERYWHERE, "data", "plain")]
SETTINGS += [(0.1, 0.1, EVERYWHERE, "step", "plain"), (0.02, 0.0, EVERYWHERE, "data", "released")]
SETTINGS += [(b, 0.0, EVERYWHERE, "data", "moved") for b in (0.01, 0.02, 0.03, 0.04, 0.05)]
SETTINGS += [(0.03, 0.0, EVERYWHERE, "step", "moved"), (0.05, 0.03, EVERYWHERE, "data", "moved")]
SETTINGS += [(0.1, 0.1, EVERYWHERE, "data", "moved")]


def cases() -> list[tuple]:
    """Return one case a slab, acceleration, class and setting."""
    return [(s, r, name, *setting) for s in SLABS for r in ACCELERATIONS for name in CLASSES for setting in SETTINGS]


@lru_cache(maxsize=1)
def study(scan: str, acceleration: int) -> Study:
    """Return the study of a slab, whose samples all settings share."""
    return Study(scan, acceleration, Networks.load(*NETWORKS), Sampling())


@experiment("strength, range, gradient and view of guidance on two validation slabs at R = 4 and 16", UNATTACKED, cases)
def measure(
    scan: str, acceleration: int, name: str, b: float, lowest: float, highest: float, through: str, view: str
) -> dict[str, float]:
    """Measure both bounds of one class with one setting."""
    settings: dict[str, Any] = {"b": b, "range": (lowest, highest), "through": through, "view": view}
    return study(scan, acceleration).row(name, attacks=False, **settings)
