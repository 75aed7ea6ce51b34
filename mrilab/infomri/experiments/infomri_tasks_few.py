"""Digits from one in 32 samples: at one in eight most samplings are near 100 %. No attack."""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.classifiers import FEW
from mrilab.infomri.tasks.study_classes import knowledge

SEEDS = (0, 1, 2)


@experiment(
    "classification of digits from one in 32 samples, on test digits (trains 18 classifiers)",
    ("accuracy", "auroc"),
    lambda: [(model, seed) for seed in SEEDS for model in FEW],
)
def measure(model: str, seed: int) -> dict[str, float]:
    """Train a classifier, or resume its training, and measure it on test digits."""
    return knowledge(model, seed)
