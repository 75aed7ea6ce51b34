"""Redundancy (6) of learned masks at 10, 20 and 30 %, as in table II, beside that of their density made symmetric."""

import torch

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.experiments.infomri_points import SEEDS
from mrilab.infomri.measures import independent_redundancy
from mrilab.infomri.sampling import Learned
from mrilab.infomri.study import trained
from mrilab.physics.pairs import redundancy

MODELS = ("points", "points-rescale", "points-nll", "points-mse")
RATIOS = (0.1, 0.2, 0.3)
DRAWS = 64


@experiment(
    "redundancy of learned masks at 10, 20 and 30 %",
    ("redundancy", "redundancy_density"),
    lambda: [(model, seed, ratio) for model in MODELS for seed in SEEDS for ratio in RATIOS],
)
@torch.no_grad()
def measure(model: str, seed: int, ratio: float) -> dict[str, float]:
    """Draw DRAWS masks of one model at one ratio."""
    sampling = trained(model, seed).eval().sampling
    assert isinstance(sampling, Learned)
    height, width = sampling.unit
    count = torch.full((DRAWS,), round(ratio * height * width))
    masks, p, _ = sampling(count, torch.Generator().manual_seed(1))
    assert p is not None  # a learned pattern has probabilities
    found = [redundancy(mask.bool(), (height, width)) for mask in masks]
    return {"redundancy": sum(found) / DRAWS, "redundancy_density": independent_redundancy(p[0])}
