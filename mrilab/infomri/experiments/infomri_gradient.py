"""Noise over signal of the pattern's gradient under each loss, in the same trained models, on training heads.

At the end of a training the mean gradient is near 0, so a fresh pattern stands beside the trained one, in front of the
same reconstruction: what the first steps of a training see.
"""

import torch

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.gradients import noise_to_signal, pattern_gradients
from mrilab.infomri.losses import LOSSES
from mrilab.infomri.models import SHAPE, TESTED, find_model
from mrilab.infomri.sampling import Learned
from mrilab.infomri.study import trained
from mrilab.infomri.train import source_of

BATCHES = 128


@experiment(
    "noise over signal of the pattern's gradient, by loss, in the same trained models",
    ("noise_to_signal",),
    lambda: [
        (model, pattern, ratio, loss)
        for model in ("points", "points-nll")
        for pattern in ("trained", "fresh")
        for ratio in TESTED
        for loss in LOSSES
    ],
)
def measure(model: str, pattern: str, ratio: float, loss: str) -> dict[str, float]:
    """Draw BATCHES gradients of one loss at one ratio."""
    network, declared = trained(model, 0), find_model(model)
    kept = network.sampling
    if pattern == "fresh":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            arguments = {key: value for key, value in declared.sampling.items() if key != "by"}
            network.sampling = Learned(SHAPE, **arguments)
    gradients = pattern_gradients(network, source_of(declared), loss, ratio, BATCHES)
    network.sampling = kept
    return {"noise_to_signal": noise_to_signal(gradients)}
