"""The patterns of digits, a row of positions at a time: what the lesson draws masks from."""

from collections.abc import Mapping

import torch

from mrilab.data.glyphs import SIDE
from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.classifiers import BETAS
from mrilab.infomri.tasks.classify import TaskClassifier
from mrilab.infomri.tasks.study_classes import trained_classifier

MODELS = (*(f"glyphs-beta{beta:g}" for beta in BETAS), "glyphs-loupe")


@experiment(
    "classification: the probability of each position to be sampled, beta by beta (no training)",
    tuple(f"p{column}" for column in range(SIDE)),
    lambda: [(model, row) for model in MODELS for row in range(SIDE)],
)
def measure(model: str, row: int) -> Mapping[str, float]:
    """Return the probabilities of a row of k-space in the pattern of a trained classifier, seed 0."""
    network = trained_classifier(model, 0)
    assert isinstance(network, TaskClassifier)
    count = torch.tensor([round(network.ratio * SIDE**2)])
    with torch.no_grad():
        p = network.sampling(count, None).p  # (1, H, W)
    assert p is not None
    return {f"p{column}": float(p[0, row, column]) for column in range(SIDE)}
