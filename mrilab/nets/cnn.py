"""A small convolutional denoiser without any normalisation: MoDL's, and FLAT's where a U-Net would take too long."""

from __future__ import annotations

import torch
from monai.networks.blocks import ResidualUnit
from torch import Tensor, nn

BLOCKS = 3  # of two convolutions and a skip connection each: six layers, as in the CSGM paper


def residual_layers(inputs: int, width: int) -> nn.Sequential:
    """`inputs` real channels -> 2, BLOCKS residual blocks of `width` channels in between. As built, it returns 0."""
    block = {"act": "RELU", "norm": None, "adn_ordering": "A", "last_conv_only": True}
    layers = nn.Sequential(
        nn.Conv2d(inputs, width, 3, padding=1),
        *[ResidualUnit(2, width, width, **block) for _ in range(BLOCKS)],
        nn.Conv2d(width, 2, 3, padding=1),
    ).to(memory_format=torch.channels_last)
    nn.init.zeros_(layers[-1].weight)
    nn.init.zeros_(layers[-1].bias)
    return layers


class ComplexCnn(nn.Module):
    """`residual_layers` for complex images and `planes` of further real input: the same calls as `ComplexUnet`."""

    def __init__(self, width: int, planes: int):
        super().__init__()
        self.layers = residual_layers(2 + planes, width)

    def forward(self, x: Tensor, planes: Tensor) -> Tensor:
        """(n, H, W) -> (n, H, W), both complex; `planes` (n, planes, H, W) are real."""
        channels = torch.cat([torch.view_as_real(x).movedim(-1, 1), planes], 1)  # (n, 2 + planes, H, W)
        out = self.layers(channels.contiguous(memory_format=torch.channels_last)).to(channels.dtype)  # back from bf16
        return torch.view_as_complex(out.movedim(1, -1).contiguous())
