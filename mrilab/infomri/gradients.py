"""How noisy the gradient is that a pattern learns from: over images, noise and draws, in one trained model."""

import torch
from torch import Tensor

from mrilab.infomri.losses import LOSSES
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.scans import Source


def pattern_gradients(
    network: InfoMRI, source: Source, loss: str, ratio: float, number: int, batch: int = 8, seed: int = 0
) -> Tensor:
    """Return `number` gradients of a loss for the pattern's parameters, each of one batch, (number, parameters)."""
    network.train()
    parameters = [*network.sampling.parameters()]
    positions = network.sampling.unit[0] * network.sampling.unit[1]
    for parameter in parameters:
        parameter.requires_grad_(True)
    rows = []
    for index in range(number):
        generator = torch.Generator().manual_seed(seed + index)
        x, full, maps = source.train(batch, generator)
        count = torch.full((batch,), round(ratio * positions))
        posterior, _ = network(full, maps.expand_as(full), count, generator)
        gradients = torch.autograd.grad(LOSSES[loss](posterior, x), parameters)
        rows.append(torch.cat([each.flatten() for each in gradients]))
    network.eval()
    return torch.stack(rows)


def noise_to_signal(gradients: Tensor) -> float:
    """Return the summed variance of gradients (number, parameters) over the squared norm of their mean.

    The mean of n of them has a squared norm that is too large by the variance over n, which is taken off.
    """
    variance = gradients.double().var(0).sum()
    signal = gradients.double().mean(0).square().sum() - variance / len(gradients)
    return float(variance / signal.clamp(min=torch.finfo(torch.float64).tiny))
