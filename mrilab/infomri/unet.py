"""Reconstruction by a U-Net: from the zero-filled image to mean and variance of every pixel."""

from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from mrilab.infomri.losses import Posterior, variance_of
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel


class UnetPosterior(nn.Module):
    """q(x | y) of independent pixels, by one U-Net with two heads. Image sides are multiples of 16, at least 32.

    Args:
        parts: 1 for real images, whose mean is real, or 2 for complex ones.
        width: channels at full resolution.
    """

    def __init__(self, parts: int, width: int = 12):
        super().__init__()
        self.parts = parts
        features = (width, width, 2 * width, 4 * width, 4 * width, width)
        self.unet = BasicUNet(2, 2, parts + 1, features, norm=("group", {"num_groups": 1}))

    def forward(self, y: Tensor, model: SenseModel) -> Posterior:
        """Return the posterior of images (n, H, W), given k-space (n, coil, H, W) that `model`'s mask is yet to cut."""
        zero_filled = real_channels(model.adjoint(y)).contiguous()  # (n, 2, H, W)
        out = self.unet(zero_filled).to(zero_filled.dtype)  # (n, parts + 1, H, W)
        mean = zero_filled[:, : self.parts] + out[:, :-1]
        return Posterior(mean, variance_of(out[:, -1:]))
