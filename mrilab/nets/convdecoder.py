"""An untrained network whose structure alone is the prior: a decoder that makes an image of one fixed random input."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

GRID = 8  # height and width of the random input; the authors feed 8 x 4 for images of 640 x 368


class ConvDecoder(nn.Module):
    """G(z), an image of its own weights: z is drawn once and fixed, only the weights are fitted.

    After Darestani and Heckel, "Accelerated MRI with un-trained neural networks" (IEEE Trans Comput Imaging 2021;
    7:724), in the order of the authors' demonstration, ConvDecoder_for_MRI.ipynb of github.com/MLI-lab/ConvDecoder:
    `layers` - 1 times nearest upsampling to the next size, 3 x 3 convolution, ReLU and batch norm; the same once more
    without upsampling; then a 1 x 1 convolution. They give each coil two output channels of its own; here there are
    two in all, the real and the imaginary part of the one image that the coil maps make coil images of.

    Args:
        shape: (H, W) of the image, of any size. On the way there, sizes grow by a constant factor, rounded up.
        width: channels of every layer.
        layers: 3 x 3 convolutions, at least 2.
        generator: of z and of the first weights, on the CPU.

    Raises:
        ValueError: `width` or `layers` is too small.
    """

    def __init__(self, shape: tuple[int, int], width: int, layers: int, generator: torch.Generator):
        if width < 1 or layers < 2:
            raise ValueError(f"width must be 1 or more and layers 2 or more, not {width} and {layers}")
        super().__init__()
        grid = tuple(min(GRID, n) for n in shape)
        self.register_buffer("z", torch.rand(1, width, *grid, generator=generator))
        parts = []
        for size in _sizes(grid, shape, layers - 1):
            parts += [nn.Upsample(size=size), *_layer(width, generator)]
        parts += [*_layer(width, generator), _convolution(width, 2, 1, generator)]
        self.network = nn.Sequential(*parts)
        self.to(memory_format=torch.channels_last)  # a fifth faster on a CPU

    def forward(self) -> Tensor:
        """The image, (H, W) complex."""
        last = self.network[-1]
        features = self.network[:-1](self.z)  # (1, width, H, W), bfloat16 under autocast
        # the image itself has more digits than that
        with torch.autocast(self.z.device.type, enabled=False):
            channels = last(features.to(last.weight.dtype))  # (1, 2, H, W)
        return torch.view_as_complex(channels[0].movedim(0, -1).contiguous())


def _sizes(start: tuple[int, int], end: tuple[int, int], steps: int) -> list[tuple[int, int]]:
    """Sizes after each of the steps that lead from `start` to `end`, neither of them counted twice."""
    factors = [stop / first for first, stop in zip(start, end, strict=True)]
    # what rounding leaves above a whole number must not be rounded up
    return [
        tuple(math.ceil(n * factor ** (step / steps) - 1e-6) for n, factor in zip(start, factors, strict=True))
        for step in range(1, steps + 1)
    ]


def _layer(width: int, generator: torch.Generator) -> tuple[nn.Module, ...]:
    # without running averages: the statistics are always those of the one image
    norm = nn.BatchNorm2d(width, track_running_stats=False)
    return _convolution(width, width, 3, generator), nn.ReLU(), norm


def _convolution(inputs: int, outputs: int, side: int, generator: torch.Generator) -> nn.Conv2d:
    """torch's own first weights, but from the generator: torch itself would draw them from its global state."""
    convolution = nn.utils.skip_init(nn.Conv2d, inputs, outputs, side, padding=side // 2)
    bound = (inputs * side**2) ** -0.5
    for parameter in convolution.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return convolution
