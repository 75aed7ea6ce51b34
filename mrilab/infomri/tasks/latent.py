"""Segmentation straight from the samples, by a latent w that is drawn: as many answers as there are draws.

From the zero-filled image one encoder makes features h (21). They say how w is distributed before the answer is seen,
the prior (23), and they are decoded into mean and variance of the image (22). A second encoder also sees the answer of
one rater, and says how w is distributed then, the posterior (25). Both have the same last layer. The segmentation is
decoded from w alone (24). All are blocks of the autoencoder of latent diffusion, as in the paper, but smaller.
"""

import math
from typing import Any, NamedTuple

import torch
from monai.networks.nets.autoencoderkl import Decoder, Encoder
from torch import Tensor, nn

from mrilab.infomri.losses import Posterior, variance_of
from mrilab.infomri.model import SAMPLINGS, built
from mrilab.infomri.sampling import Sampled, Sampler
from mrilab.infomri.tasks.gaussian import Diagonal, from_channels
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.scale import quantile_scale

LATENT = 4  # channels of w
FEATURES = 32  # channels of h
START = -3.0  # logarithm of the variances of w when training begins
PIXELS = 2**20  # of all images that are decoded together
LEVELS = 4  # 3 halvings: w is 8 x 8 of an image of 64 x 64


class Answer(NamedTuple):
    """Hold what the samples say of w, the image, and the masks.

    Where a rater's answer was seen, also what both say of w. The logits (n, H, W) are of the answer for one w of these,
    or of the prior where no answer was seen.
    """

    prior: Diagonal
    image: Posterior
    sampled: Sampled
    posterior: Diagonal | None
    logits: Tensor


class LatentSegmenter(Sampler):
    """InfoMRI for segmentation (algorithms 2 and 3). Image sides are multiples of 8.

    Args:
        sampling: arguments of one of `mrilab.infomri.model.SAMPLINGS`, and its name under "by".
        width: channels at full resolution; a multiple of 4.
        ratios: the smallest and the largest ratio of the training.
        scaled: whether the zero-filled image is divided by its 0.99 quantile, for scans of unknown units.
    """

    def __init__(
        self,
        sampling: dict[str, Any],
        width: int = 16,
        ratios: tuple[float, float] = (1 / 32, 0.5),
        scaled: bool = False,
    ):
        super().__init__()
        self.config = {"sampling": sampling, "width": width, "ratios": list(ratios), "scaled": scaled}
        self.scaled, self.shape = scaled, tuple(sampling["shape"])
        self.ratios = (ratios[0], ratios[1])
        self.sampling = built(SAMPLINGS, sampling)
        self.encode, self.encode_answer = encoder(2, width), encoder(3, width)
        self.head = nn.Conv2d(FEATURES, 2 * LATENT, 1)  # Dec_w, of both encoders
        nn.init.constant_(
            self.head.state_dict()["bias"][LATENT:], START
        )  # or noise of variance 1 would cover means that begin near 0
        self.decode_answer, self.decode_image = decoder(LATENT, 1, width), decoder(FEATURES, 2, width)

    def forward(
        self,
        full: Tensor,
        maps: Tensor,
        count: Tensor,
        generator: torch.Generator | None,
        answer: Tensor | None = None,
    ) -> Answer:
        """Sample `count` (n) positions of k-space (n, coil, H, W) and say what w may be, and the image.

        With the `answer` of a rater, (n, H, W) of 0 and 1, also say what w may be for somebody who knows it. One w is
        drawn. Without a generator nothing is: the most probable positions are taken, and the mean of the prior.
        """
        sampled = self.sampling(count, generator)
        zero_filled = real_channels(SenseModel(maps, sampled.mask).adjoint(full)).contiguous()  # (n, 2, H, W)
        prior, image = self.read(zero_filled)
        if answer is None:
            w = prior.mean if generator is None else prior.sample(1, generator)[0]
            return Answer(prior, image, sampled, None, self.logits(w))
        seen = torch.cat([zero_filled / self._scale(zero_filled), answer[:, None].to(zero_filled)], 1)  # (n, 3, H, W)
        posterior = from_channels(self.head(self.encode_answer(seen)).float())  # (25)
        w = posterior.mean if generator is None else posterior.sample(1, generator)[0]
        return Answer(prior, image, sampled, posterior, self.logits(w))

    def read(self, zero_filled: Tensor) -> tuple[Diagonal, Posterior]:
        """Return what zero-filled images (n, 2, H, W) say of w, and mean and variance of the images (n, 1, H, W)."""
        scale = self._scale(zero_filled)
        h = self.encode(zero_filled / scale)  # (n, FEATURES, H / 8, W / 8), (21)
        prior = from_channels(self.head(h).float())  # (23)
        out = self.decode_image(h).float()  # (n, 2, H, W)
        return prior, Posterior(scale * out[:, :1], scale.square() * variance_of(out[:, 1:]))  # (22)

    def _scale(self, zero_filled: Tensor) -> Tensor:
        """Return what the images are divided by, (n, 1, 1, 1), or 1 where their units are those of the training."""
        if not self.scaled:
            return zero_filled.new_ones(1, 1, 1, 1)
        return quantile_scale(zero_filled.norm(dim=1))[:, None]

    def let_posterior_be_prior(self) -> None:
        """Give the second encoder the weights of the first, and none for the answer: the KL is 0, training begins."""
        own, prior = self.encode_answer.state_dict(), self.encode.state_dict()
        for name, weight in own.items():
            if weight.shape == prior[name].shape:
                weight.copy_(prior[name])
            else:  # the first convolution has the answer as one more input
                weight.zero_()
                weight[:, : prior[name].shape[1]] = prior[name]

    def logits(self, w: Tensor) -> Tensor:
        """Return the logits of the answer that belongs to w, (..., LATENT, h, w) -> (..., H, W): Dec_z of (24)."""
        out = self.decode_answer(w.flatten(0, -4))  # (n, 1, H, W)
        return out.float().reshape(*w.shape[:-3], *out.shape[-2:])

    def answers(self, prior: Diagonal, number: int, generator: torch.Generator) -> Tensor:
        """Draw `number` segmentations of each scan, bool (number, n, H, W): algorithm 3.

        At most PIXELS are decoded together, which bounds the memory.
        """
        together = max(1, PIXELS // (len(prior.mean) * math.prod(self.shape)))
        drawn = prior.sample(number, generator).split(together)  # (together, n, LATENT, h, w) each
        return torch.cat([self.logits(w) > 0 for w in drawn])


def encoder(channels: int, width: int, out: int = FEATURES) -> nn.Module:
    """Return an encoder of images (n, channels, H, W) into features (n, out, H / 8, W / 8)."""
    return Encoder(2, channels, _channels(width), out, with_nonlocal_attn=False, **_blocks(width))


def decoder(channels: int, out: int, width: int) -> nn.Module:
    """Return a decoder of (n, channels, H / 8, W / 8) into images (n, out, H, W)."""
    return Decoder(2, _channels(width), channels, out, with_nonlocal_attn=False, **_blocks(width))


def _channels(width: int) -> list[int]:
    return [width, 2 * width, 4 * width, 4 * width]  # as 1-2-4-4 of latent diffusion


def _blocks(width: int) -> dict[str, Any]:
    blocks, none = [1] * LEVELS, [False] * LEVELS
    return {"num_res_blocks": blocks, "norm_num_groups": 4, "norm_eps": 1e-6, "attention_levels": none}
