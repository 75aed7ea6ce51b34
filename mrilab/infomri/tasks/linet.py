"""LI-Net: an autoencoder of answers, and an encoder that finds the code of the answer from the samples (38), (39)."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from mrilab.infomri.model import SAMPLINGS, built
from mrilab.infomri.sampling import Sampled, Sampler
from mrilab.infomri.tasks.elbo import answer_nll
from mrilab.infomri.tasks.latent import LATENT, decoder, encoder
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel


class AnswerCodes(nn.Module):
    """E and D: an answer as a code of LATENT channels, and back. `width`: channels at full resolution."""

    def __init__(self, width: int):
        super().__init__()
        self.config = {"width": width}
        self.E, self.D = encoder(1, width, LATENT), decoder(LATENT, 1, width)

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits of answers (n, H, W) that went through their codes, (n, H, W)."""
        return self.logits(self.code(z))

    def code(self, z: Tensor) -> Tensor:
        """Return E(z), (n, LATENT, H / 8, W / 8)."""
        return self.E(z[:, None]).float()

    def logits(self, code: Tensor) -> Tensor:
        """Return D(code), the logits of the answer, (n, H, W)."""
        return self.D(code)[:, 0].float()


class Inferred(NamedTuple):
    """Hold the code that was found (n, LATENT, h, w), that of a known answer or None, and the masks."""

    code: Tensor
    wanted: Tensor | None
    sampled: Sampled


class LatentInference(Sampler):
    """E and D are trained first on answers alone; then E_y learns to give E(z) from the samples, and D answers.

    Args:
        sampling: arguments of one of `mrilab.infomri.model.SAMPLINGS`, and its name under "by".
        width: channels at full resolution, a multiple of 4. ratios: smallest and largest ratio of the training.
    """

    def __init__(self, sampling: dict[str, Any], width: int, ratios: tuple[float, float]):
        super().__init__()
        self.config = {"sampling": sampling, "width": width, "ratios": list(ratios)}
        self.ratios = (ratios[0], ratios[1])
        self.sampling = built(SAMPLINGS, sampling)
        self.codes, self.E_y = AnswerCodes(width).requires_grad_(False), encoder(2, width, LATENT)

    def forward(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None, z: Tensor | None = None
    ) -> Inferred:
        """Sample `count` (n) positions of k-space (n, coil, H, W), and find the code of the answer.

        With answers z (n, H, W) of 0 and 1, also return the code that should be found.
        """
        sampled = self.sampling(count, generator)
        zero_filled = real_channels(SenseModel(maps, sampled.mask).adjoint(full)).contiguous()  # (n, 2, H, W)
        wanted = None if z is None else self.codes.code(z)
        return Inferred(self.E_y(zero_filled).float(), wanted, sampled)


def autoencoder_loss(logits: Tensor, z: Tensor) -> Tensor:
    """Return (38): how unlikely answers z (n, H, W) are to come back through E and D, a pixel."""
    return answer_nll(logits, z).mean() / z[0].numel()


def inference_loss(found: Inferred) -> Tensor:
    """Return (39): the squared distance of the code that was found from that of the answer."""
    assert found.wanted is not None
    return mse_loss(found.code, found.wanted)
