"""Table 1 and Figures 4 and 5: guided bounds against repeated reconstruction, on slabs of three slices.

Beside them stand the controls of equal volume, the second network's view, and gradient attacks as large as what
guidance changed. Volumes are in pixels. Every value is of one head.
"""

from functools import lru_cache

from mrilab.data.recipes import find_recipe
from mrilab.evaluation.experiments import experiment
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import MEASURED, Networks, Study

SLABS = "heads-t2-slab-test"
NETWORKS = ("diffusion-t2", "segment-t2")  # prior, and the segmentation that guides
ACCELERATIONS = (4, 8, 12, 16)
CLASSES = ("grey matter", "white matter", "csf")


def cases() -> list[tuple]:
    """Return one case a slab, acceleration and class. Every second head has lesions."""
    return [
        (f"{SLABS}-{index:02d}", r, name)
        for index in range(find_recipe(SLABS).count)
        for r in ACCELERATIONS
        for name in (*CLASSES, *(("lesion",) if index % 2 else ()))
    ]


@lru_cache(maxsize=1)
def study(scan: str, acceleration: int) -> Study:
    """Return the study of a slab, whose samples all classes share."""
    return Study(scan, acceleration, Networks.load(*NETWORKS), Sampling())


@experiment("guided bounds, repeated reconstruction and controls on test slabs, R = 4 to 16", MEASURED, cases)
def measure(scan: str, acceleration: int, name: str) -> dict[str, float]:
    """Measure both bounds of one class of one slab."""
    return study(scan, acceleration).row(name)
