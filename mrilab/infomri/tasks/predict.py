"""What a trained model answers, whichever kind it is: masks, the probability of each pixel, and an image."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.infomri.sampling import Sampler
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.linet import LatentInference
from mrilab.infomri.tasks.pipeline import Pipeline

AT_A_TIME = 16  # scans that a network takes at once
DRAWS = 32  # answers of each scan


class Answered(NamedTuple):
    """Hold answers bool (draws, n, H, W), probabilities (n, H, W), and images (n, H, W), of LI-Net nan.

    A model without a latent has one answer, where the probability is above one half.
    """

    samples: Tensor
    probability: Tensor
    image: Tensor


@torch.no_grad()
def answered(network: Sampler, full: Tensor, maps: Tensor, ratio: float, draws: int, seed: int = 1) -> Answered:
    """Return what a model says of k-space (n, coil, H, W) of which masks are drawn, the same at every call.

    `maps` are those of the coils, (n, coil, H, W).
    """
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    count = torch.full((len(full),), round(ratio * math.prod(network.sampling.unit)))
    together = zip(*(each.split(AT_A_TIME) for each in (full, maps, count)), strict=True)
    parts = [_part(network, k, m, c, draws, generator) for k, m, c in together]
    samples, probability, image = zip(*parts, strict=True)
    return Answered(torch.cat(samples, 1), torch.cat(probability), torch.cat(image))


def pixelwise(probability: Tensor, draws: int, seed: int = 1) -> Tensor:
    """Draw each pixel alone from probabilities (n, H, W), bool (draws, n, H, W): answers without a latent."""
    u = torch.rand((draws, *probability.shape), generator=torch.Generator().manual_seed(seed))
    return u < probability


def _part(
    network: Sampler, full: Tensor, maps: Tensor, count: Tensor, draws: int, generator: torch.Generator
) -> Answered:
    if isinstance(network, LatentSegmenter):
        answer = network(full, maps, count, generator)
        samples = network.answers(answer.prior, draws, generator)  # (draws, n, H, W)
        return Answered(samples, samples.float().mean(0), answer.image.mean[:, 0])
    if isinstance(network, Pipeline):
        seen = network(full, maps, count, generator)
        return Answered(seen.logits[None] > 0, seen.logits.sigmoid(), seen.image[:, 0])
    assert isinstance(network, LatentInference)
    logits = network.codes.logits(network(full, maps, count, generator).code)
    return Answered(logits[None] > 0, logits.sigmoid(), torch.full_like(logits, torch.nan))
