"""Figure 6: what b does, at R = 16, on the middle slice of each test slab."""

from functools import lru_cache

from mrilab.data.recipes import find_recipe
from mrilab.evaluation.experiments import experiment
from mrilab.sgr.experiments.sgr_bounds import NETWORKS, SLABS
from mrilab.sgr.guidance import STRENGTH
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import UNATTACKED, Networks, Study

ACCELERATION = 16
CLASSES = ("grey matter", "csf")
FACTORS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # of the default b


def cases() -> list[tuple]:
    """Return one case a slab, class and b."""
    slabs = [f"{SLABS}-{index:02d}" for index in range(find_recipe(SLABS).count)]
    return [(slab, name, factor * STRENGTH) for slab in slabs for name in CLASSES for factor in FACTORS]


@lru_cache(maxsize=1)
def study(scan: str) -> Study:
    """Return the study of the middle slice of a slab, whose samples all values of b share."""
    return Study(scan, ACCELERATION, Networks.load(*NETWORKS), Sampling(), slices=(1,))


@experiment("guided bounds by b at R = 16, the middle slices of the test slabs", UNATTACKED, cases)
def measure(scan: str, name: str, b: float) -> dict[str, float]:
    """Measure both bounds of one class of one slice."""
    return study(scan).row(name, attacks=False, b=b)
