"""Classification straight from the samples, with samples that tell little of the image (algorithms 4 and 5)."""

from typing import Any

import torch
from monai.networks.nets import Classifier
from torch import Tensor
from torch.nn.functional import cross_entropy

from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.model import SAMPLINGS, built
from mrilab.infomri.sampling import Sampled, Sampler
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel

CHANNELS, STRIDES = (16, 32, 64), (2, 2, 2)


class TaskClassifier(Sampler):
    """A sampling, and a small network that says from the zero-filled image which class it is, (26).

    Args:
        sampling: arguments of one of `mrilab.infomri.model.SAMPLINGS`, and its name under "by".
        shape: (H, W). classes: number of classes. ratio: of the training.
    """

    def __init__(self, sampling: dict[str, Any], shape: tuple[int, int], classes: int, ratio: float):
        super().__init__()
        self.config = {"sampling": sampling, "shape": list(shape), "classes": classes, "ratio": ratio}
        self.ratio = ratio
        self.sampling = built(SAMPLINGS, sampling | {"shape": shape})
        self.network = Classifier((2, *shape), classes, CHANNELS, STRIDES)

    def forward(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Sampled]:
        """Sample `count` (n) positions of k-space (n, coil, H, W); return logits (n, classes) and the masks."""
        sampled = self.sampling(count, generator)
        zero_filled = real_channels(SenseModel(maps, sampled.mask).adjoint(full))  # (n, 2, H, W)
        return self.network(zero_filled).float(), sampled


def privacy_loss(logits: Tensor, classes: Tensor, sampled: Sampled, gaussian: GaussianKspace, beta: float) -> Tensor:
    """Return -log q(z | y) - beta H / |m|, minus the objective of (12): H is the entropy (37), beta <= 0.

    So |beta| H is added, and samples that tell much of the image cost. H is the exact expectation over draws from p,
    per sample, so that no gradient through a draw is needed for it.
    """
    likelihood = cross_entropy(logits, classes)
    if beta == 0 or sampled.p is None:
        return likelihood
    samples = sampled.p.sum((-2, -1))  # (n)
    return likelihood - beta * (gaussian.entropy(sampled.p) / samples).mean().to(likelihood)
