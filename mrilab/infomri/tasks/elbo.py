"""What the segmentation with a latent is trained for: a bound of the likelihood of a rater's answer, and the image."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mrilab.infomri.losses import nll
from mrilab.infomri.tasks.gaussian import kl
from mrilab.infomri.tasks.latent import Answer


@dataclass(frozen=True)
class Weights:
    """The weights of (44). All three terms are sums over an image's pixels, or over w, and means over the images.

    `warmup` is the share of the training over which that of the KL rises.
    """

    task: float
    kl: float
    reconstruction: float
    warmup: float = 0.0


PAPER = Weights(1.0, 50.0, 1.0)  # for its own sums
CHOSEN = Weights(1.0, 10.0, 0.002)  # of `infomri_tasks_weights`, on validation heads


class Terms(NamedTuple):
    """Hold the three terms of (44) in nats an image, before they are weighted."""

    task: Tensor
    kl: Tensor
    reconstruction: Tensor


def terms(answer: Answer, z: Tensor, x: Tensor) -> Terms:
    """Return -log q(z | w) for one w of the posterior, D_KL(posterior || prior), and -log q(x | y), (44).

    Args:
        answer: of a model that has seen z. z: one rater's answer (n, H, W) of 0 and 1. x: images (n, 1, H, W).
    """
    assert answer.posterior is not None
    return Terms(
        answer_nll(answer.logits, z).mean(),
        kl(answer.posterior, answer.prior).mean(),
        x[0].numel() * nll(answer.image, x),
    )


def direct(answer: Answer, z: Tensor, x: Tensor, weights: Weights) -> Tensor:
    """Return (44) for a posterior that is the prior: -log q(z | w) for one w of the prior. The KL is 0.

    It is a bound as well, and a lower one: nothing is gained by knowing the answer. But all of its gradient goes
    through what is asked at test time, the prior (Sohn et al. 2015 mix it with (44) all the way through).
    """
    task, reconstruction = answer_nll(answer.logits, z).mean(), x[0].numel() * nll(answer.image, x)
    return weights.task * task + weights.reconstruction * reconstruction


def answer_nll(logits: Tensor, z: Tensor) -> Tensor:
    """Return -log q(z | w) of (24), summed over the pixels: (..., H, W) -> (...)."""
    target = z.to(logits.dtype).expand_as(logits)
    return binary_cross_entropy_with_logits(logits, target, reduction="none").sum((-2, -1))


def weighted(found: Terms, weights: Weights, progress: float) -> Tensor:
    """Return (44) at a share `progress` of the training."""
    rising = 1.0 if weights.warmup == 0 else min(1.0, progress / weights.warmup)
    return weights.task * found.task + rising * weights.kl * found.kl + weights.reconstruction * found.reconstruction
