"""Two networks in a row, one for the image and one for the answer: what the latent is held against.

By what is trained for what, in one or two stages, this is TradPat-UNet-RS or LOUPE-UNet-RS, SemuNet, or Tackle. It
gives one answer; pixels drawn from its probabilities are the control for "no latent" (footnote 3 of the paper).
"""

from typing import Any, NamedTuple

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from mrilab.infomri.model import SAMPLINGS, built
from mrilab.infomri.sampling import Sampled, Sampler
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel


class Seen(NamedTuple):
    """Hold the image (n, 1, H, W), the logits of the answer (n, H, W), and the masks."""

    image: Tensor
    logits: Tensor
    sampled: Sampled


class Pipeline(Sampler):
    """A sampling, a U-Net for the image, and a U-Net for the answer. Image sides are multiples of 16, at least 32.

    Args:
        sampling: arguments of one of `mrilab.infomri.model.SAMPLINGS`, and its name under "by".
        width: channels at full resolution. ratios: the smallest and the largest ratio of the training.
    """

    def __init__(self, sampling: dict[str, Any], width: int, ratios: tuple[float, float]):
        super().__init__()
        self.config = {"sampling": sampling, "width": width, "ratios": list(ratios)}
        self.ratios = (ratios[0], ratios[1])
        self.sampling = built(SAMPLINGS, sampling)
        self.reconstruct, self.segment = unet(2, width), unet(1, width)

    def forward(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None, frozen: bool = False
    ) -> Seen:
        """Sample `count` (n) positions of k-space (n, coil, H, W). `frozen`: no gradient through the image."""
        sampled = self.sampling(count, generator)
        zero_filled = real_channels(SenseModel(maps, sampled.mask).adjoint(full)).contiguous()  # (n, 2, H, W)
        image = zero_filled[:, :1] + self.reconstruct(zero_filled).float()  # (n, 1, H, W)
        logits = self.segment(image.detach() if frozen else image)  # (n, 1, H, W)
        return Seen(image, logits[:, 0].float(), sampled)


def unet(channels: int, width: int) -> nn.Module:
    """Return a U-Net of images (n, channels, H, W) with one channel out."""
    features = (width, width, 2 * width, 4 * width, 4 * width, width)
    return BasicUNet(2, channels, 1, features, norm=("group", {"num_groups": 1}))
