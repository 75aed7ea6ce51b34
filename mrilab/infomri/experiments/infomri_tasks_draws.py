"""How many answers are worth their time: GED and Dice of 1 to 32 samples at 8x, table XII of Peng et al. 2026."""

import time

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.measures import by_head
from mrilab.infomri.tasks.predict import answered
from mrilab.infomri.tasks.scans import MassHeads
from mrilab.infomri.tasks.study import trained_stage

ACCELERATION = 8
NUMBERS = (1, 2, 4, 8, 16, 32)


@experiment(
    "segmentation from samples: how many answers, and what they cost (no training)",
    ("ged", "ged_unbiased", "dice", "milliseconds"),
    lambda: [(draws,) for draws in NUMBERS],
)
def measure(draws: int) -> dict[str, float]:
    """Draw so many answers for each test head. milliseconds: of one head, alone."""
    network, cases = trained_stage("infomri", 0), MassHeads().fixed("test")
    found = by_head(answered(network, cases.full, cases.maps, 1 / ACCELERATION, draws), cases.outlines)
    start = time.perf_counter()
    for full, maps in zip(cases.full[:16].split(1), cases.maps[:16].split(1), strict=True):
        answered(network, full, maps, 1 / ACCELERATION, draws)
    values = {name: float(found[name].mean()) for name in ("ged", "ged_unbiased", "dice")}
    return values | {"milliseconds": 1000 * (time.perf_counter() - start) / 16}
