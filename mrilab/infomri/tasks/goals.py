"""What each stage of a training is for, as a loss of its network for one batch."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from mrilab.infomri.tasks import stages
from mrilab.infomri.tasks.elbo import Weights, answer_nll, direct, terms, weighted
from mrilab.infomri.tasks.linet import autoencoder_loss, inference_loss
from mrilab.infomri.tasks.pipeline import Seen as Made


class Seen(NamedTuple):
    """Hold images x (n, 1, H, W), k-space and maps (n, coil, H, W), answers z (n, H, W), and numbers of samples (n)."""

    x: Tensor
    full: Tensor
    maps: Tensor
    z: Tensor
    counts: Tensor


def loss_of(
    goal: str,
    network: Any,
    seen: Seen,
    generator: torch.Generator | None,
    weights: Weights,
    progress: float,
) -> Tensor:
    """Return the loss of a goal of `stages.py`.

    Args:
        network: of the stage's kind. seen: a batch.
        generator: for masks and w; without one the most probable masks are taken, and the means of w.
        weights, progress: of the bound.
    """
    x, full, maps, z, count = seen
    if goal == stages.CODES:
        return autoencoder_loss(network(z), z)
    if goal == stages.INFERENCE:
        return inference_loss(network(full, maps, count, generator, z))
    if goal == stages.DIRECT:
        return direct(network(full, maps, count, generator), z, x, weights)
    if goal == stages.BOUND:
        return weighted(terms(network(full, maps, count, generator, z), z, x), weights, progress)
    return _pipeline_loss(goal, network(full, maps, count, generator, frozen=goal == stages.ANSWER), z, x)


def _pipeline_loss(goal: str, made: Made, z: Tensor, x: Tensor) -> Tensor:
    """Return the squared error of the image, the cross-entropy of the answer, or both, means over the pixels."""
    if goal == stages.IMAGE:
        return mse_loss(made.image, x)
    answer = answer_nll(made.logits, z).mean() / z[0].numel()
    return answer + mse_loss(made.image, x) if goal == stages.BOTH else answer
