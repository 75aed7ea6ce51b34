"""The setting of the paper: cartilage and meniscus of knees at R = 4 and 16. The knees are drawn, not scanned."""

from functools import lru_cache

from mrilab.data.recipes import find_recipe
from mrilab.evaluation.experiments import experiment
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import MEASURED, Networks, Study

KNEES = "knee-fine-test"
ACCELERATIONS = (4, 16)
CLASSES = ("patellar cartilage", "femoral cartilage", "tibial cartilage", "meniscus")


def cases() -> list[tuple]:
    """Return one case a knee, acceleration and class."""
    scans = [f"{KNEES}-{index:02d}" for index in range(find_recipe(KNEES).count)]
    return [(scan, r, name) for scan in scans for r in ACCELERATIONS for name in CLASSES]


@lru_cache(maxsize=1)
def study(scan: str, acceleration: int) -> Study:
    """Return the study of a knee, whose samples all classes share."""
    return Study(scan, acceleration, Networks.load("score-knee", "segment-knee"), Sampling())


@experiment("guided bounds, repeated reconstruction and controls on drawn knees, R = 4 and 16", MEASURED, cases)
def measure(scan: str, acceleration: int, name: str) -> dict[str, float]:
    """Measure both bounds of one class of one knee."""
    return study(scan, acceleration).row(name)
