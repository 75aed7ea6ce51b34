"""Do calibrated bounds hold what they promise? Test slabs with the strengths that `sgr_calibration` chose.

`chosen_strengths` is the rule: the smallest b that covers 90 % of the true volumes of the validation slabs, one for
each R, and one for all. Where no b does, the largest that was tried.
"""

import pandas as pd

from mrilab.data.recipes import find_recipe
from mrilab.evaluation.experiments import experiment, read_results
from mrilab.sgr.calibration import smallest_strength
from mrilab.sgr.experiments.sgr_bounds import ACCELERATIONS, CLASSES, SLABS
from mrilab.sgr.experiments.sgr_calibration import measured_volumes

ALL = "all"


def chosen_strengths() -> dict[int | str, float]:
    """Return b by R, and that for ALL of them, from the coverage of `results/sgr_calibration.csv`."""
    rows = read_results("sgr_calibration")
    rows["covered"] = (rows["low"] <= rows["true"]) & (rows["true"] <= rows["up"])
    groups: dict[int | str, pd.DataFrame] = {ALL: rows}
    groups |= {r: rows[rows["acceleration"] == r] for r in ACCELERATIONS}
    coverage = {key: group.groupby("b")["covered"].mean().to_dict() for key, group in groups.items()}
    return {key: smallest_strength(shares) or max(shares) for key, shares in coverage.items()}


def cases() -> list[tuple]:
    """Return one case a slab, acceleration, class and chosen b."""
    chosen = chosen_strengths()
    strengths = {r: sorted({chosen[r], chosen[ALL]}) for r in ACCELERATIONS}
    slabs = [f"{SLABS}-{index:02d}" for index in range(find_recipe(SLABS).count)]
    return [(s, r, name, b) for s in slabs for r in ACCELERATIONS for name in CLASSES for b in strengths[r]]


@experiment("volumes of bounds with calibrated b on the test slabs, R = 4 to 16", ("true", "low", "up"), cases)
def measure(scan: str, acceleration: int, name: str, b: float) -> dict[str, float]:
    """Measure the volumes of one class of one slab, in pixels."""
    return measured_volumes(scan, acceleration, name, b)
