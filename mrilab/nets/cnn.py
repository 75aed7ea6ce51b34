"""A small convolutional denoiser without any normalisation: MoDL's, and FLAT's where a U-Net would take too long."""

from functools import partial

import torch
from monai.networks.blocks import ResidualUnit
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from mrilab.nets.channels import complex_image, real_channels

BLOCKS = 3  # number of blocks of two convolutions and a skip connection: six layers, as in the CSGM paper


def residual_layers(inputs: int, width: int) -> nn.Sequential:
    """Build `inputs` real channels -> 2 with BLOCKS residual blocks of `width` channels. As built, it returns 0."""
    first, block = nn.Conv2d(inputs, width, 3, padding=1), partial(ResidualUnit, 2, width, width, norm=None)
    blocks = [block(act="RELU", adn_ordering="A", last_conv_only=True) for _ in range(BLOCKS)]
    last = nn.Conv2d(width, 2, 3, padding=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    return convert_conv2d_weight_memory_format(nn.Sequential(first, *blocks, last), torch.channels_last)


class ComplexCnn(nn.Module):
    """`residual_layers` for complex images and `extra` real input channels, called like `ComplexUnet`."""

    def __init__(self, width: int, extra: int):
        super().__init__()
        self.layers = residual_layers(2 + extra, width)

    def forward(self, x: Tensor, extra: Tensor) -> Tensor:
        """Return a complex image (n, H, W) of a complex image (n, H, W) and real channels (n, extra, H, W)."""
        channels = torch.cat([real_channels(x), extra], 1)  # (n, 2 + extra, H, W)
        return complex_image(self.layers(channels.contiguous(memory_format=torch.channels_last)))
