"""Which b covers how many true volumes, on four validation slabs: what `sgr_calibrated` chooses b from."""

from functools import lru_cache

from mrilab.data.recipes import find_recipe
from mrilab.evaluation.experiments import experiment
from mrilab.sgr.experiments.sgr_bounds import ACCELERATIONS, CLASSES, NETWORKS
from mrilab.sgr.guidance import STRENGTH
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import Networks, Study, segmented
from mrilab.sgr.volume import volume

SLABS = "heads-t2-slab-val"
FACTORS = (0.125, 0.25, 0.5, 1.0)  # of the default b


def cases() -> list[tuple]:
    """Return one case a slab, acceleration, class and b."""
    slabs = [f"{SLABS}-{index:02d}" for index in range(find_recipe(SLABS).count)]
    return [(s, r, name, f * STRENGTH) for s in slabs for r in ACCELERATIONS for name in CLASSES for f in FACTORS]


@lru_cache(maxsize=1)
def study(scan: str, acceleration: int) -> Study:
    """Return the study of a slab; only its bounds are drawn."""
    return Study(scan, acceleration, Networks.load(*NETWORKS), Sampling())


def measured_volumes(scan: str, acceleration: int, name: str, b: float) -> dict[str, float]:
    """Return the true volume of a class of a slab and those of its bounds, in pixels."""
    own = study(scan, acceleration)
    c = own.number(name)
    bounds = own.trial.bounds(own.guidance(c, b=b))[:, 0]  # (2, slices, H, W)
    low, up = (float(volume(logits, c).sum()) for logits in segmented(own.networks.first, bounds))
    return {"true": float(own.true(name).sum()), "low": low, "up": up}


@experiment("volumes of guided bounds by b on four validation slabs, R = 4 to 16", ("true", "low", "up"), cases)
def measure(scan: str, acceleration: int, name: str, b: float) -> dict[str, float]:
    """Measure the volumes of one class of one slab, in pixels."""
    return measured_volumes(scan, acceleration, name, b)
