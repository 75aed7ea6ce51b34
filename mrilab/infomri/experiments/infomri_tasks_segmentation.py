"""Answers of six raters about a mass, from samples at 2x to 32x, by InfoMRI and by all baselines, on 128 test heads.

A row is a group of 16 heads, so that differences can be paired. Of models for one acceleration there is one for each.
"""

from functools import lru_cache

from torch import Tensor

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.measures import NAMES, by_head
from mrilab.infomri.tasks.predict import DRAWS, answered
from mrilab.infomri.tasks.scans import SIZES, MassHeads
from mrilab.infomri.tasks.stages import ACCELERATIONS, CLIFF, FIXED, LOWEST, find_stage
from mrilab.infomri.tasks.study import minutes, trained_stage

GROUP = 16  # heads
ALL = tuple(f"{kind}-{mask}" for mask in FIXED for kind in ("unet-rs", "linet"))
# a model for each acceleration; LOUPE's, which take longest, at two of them
ONE = {"tackle": (8, 32, 4, 16), "semunet": (8, 32, 4, 16), "loupe-unet-rs": (8, 32), "loupe-linet": (8, 32)}
SEEDS = (0, 1, 2)


def listed() -> list[tuple[str, int, float, int]]:
    """Return the cases (model, seed, acceleration, group), what may be left out last."""
    runs = [("infomri", 0), *((name, 0) for name in ALL)]
    runs += _single("tackle", "semunet") + [("infomri-to-1", 0)] + [("infomri", seed) for seed in SEEDS[1:]]
    runs += _single("loupe-unet-rs", "loupe-linet") + [("infomri-one-rater", 0)]
    runs += [(f"{name}-8", seed) for seed in SEEDS[1:] for name in ("tackle", "semunet")]
    groups = range(SIZES["test"] // GROUP)
    return [(name, seed, R, group) for name, seed in runs for R in accelerations(name) for group in groups]


def _single(*names: str) -> list[tuple[str, int]]:
    return [(f"{name}-{R}", 0) for name in names for R in ONE[name]]


def accelerations(model: str) -> tuple[float, ...]:
    """Return the accelerations at which a model is measured."""
    low, high = find_stage(model).ratios
    if low == high:
        return (round(1 / low),)
    return CLIFF if high == 1 else (LOWEST, *ACCELERATIONS)


@experiment(
    "segmentation from samples: InfoMRI and baselines at 2x to 32x (trains 29 networks in 47 stages)",
    (*NAMES, "minutes"),
    listed,
)
def measure(model: str, seed: int, acceleration: float, group: int) -> dict[str, float]:
    """Train a model, or resume its training, and measure its answers on 16 test heads at one acceleration.

    minutes: of the training, by the clock.
    """
    found = _of_all_heads(model, seed, acceleration)
    mine = slice(GROUP * group, GROUP * (group + 1))
    return {name: float(values[mine].mean()) for name, values in found.items()} | {"minutes": minutes(model, seed)}


@lru_cache(maxsize=1)
def _of_all_heads(model: str, seed: int, acceleration: float) -> dict[str, Tensor]:
    network, cases = trained_stage(model, seed), MassHeads().fixed("test")
    return by_head(answered(network, cases.full, cases.maps, 1 / acceleration, DRAWS), cases.outlines)
