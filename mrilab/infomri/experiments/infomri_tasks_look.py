"""From which disagreement on a person should look: the threshold of `mrilab segment`, from validation scans."""

from functools import lru_cache

import torch
from torch import Tensor

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.segmentation import disagreement
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.measures import majority_dice
from mrilab.infomri.tasks.predict import DRAWS, answered
from mrilab.infomri.tasks.scans import MassScans
from mrilab.infomri.tasks.stages import find_stage
from mrilab.infomri.tasks.trainable import SHIPPED
from mrilab.training.checkpoints import trained

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
HARD = 0.7  # Dice below which a person should have looked


@experiment(
    "segmentation of scans from elsewhere: which disagreement asks for a person (no training)",
    ("sensitivity", "specificity", "hard"),
    lambda: [(threshold,) for threshold in THRESHOLDS],
)
def measure(threshold: float) -> dict[str, float]:
    """Measure how many of the hard scans are flagged, and how many of the others are not; hard: their share.

    These are 32 validation scans at the two ratios that the network was tested at.
    """
    apart, overlap = _of_all_scans()
    hard, flagged = overlap < HARD, apart > threshold
    return {
        "sensitivity": float(flagged[hard].float().mean()),
        "specificity": float((~flagged[~hard]).float().mean()),
        "hard": float(hard.float().mean()),
    }


@lru_cache(maxsize=1)
def _of_all_scans() -> tuple[Tensor, Tensor]:
    """Return the disagreement between answers, and Dice, of each scan at each ratio."""
    stage = find_stage("scans")
    assert stage.recipe is not None
    network = trained(SHIPPED["scans"], LatentSegmenter, torch.device("cpu"))
    cases = MassScans(stage.recipe).fixed("val")
    apart, overlap = [], []
    for ratio in stage.tested:
        found = answered(network, cases.full, cases.maps, ratio, DRAWS)
        apart += [disagreement(found.samples[:, n]) for n in range(len(cases.outlines))]
        overlap.append(majority_dice(found.probability, cases.outlines))
    return torch.tensor(apart), torch.cat(overlap)
