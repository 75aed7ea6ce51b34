"""An untrained network whose structure alone is the prior: a decoder that makes an image of one fixed random input."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from mrilab.errors import UserError
from mrilab.machine import Precision, in_bfloat16
from mrilab.methods.registry import Progress, method
from mrilab.nets.channels import complex_image
from mrilab.physics import SenseModel

GRID = 8  # height and width of the random input, pixels; the authors feed 8 x 4 for images of 640 x 368


class ConvDecoder(nn.Module):
    """G(z), an image of its own weights: z is drawn once and fixed, only the weights are fitted.

    After Darestani and Heckel, "Accelerated MRI with un-trained neural networks" (IEEE Trans Comput Imaging 2021;
    7:724), in the order of the authors' demonstration, ConvDecoder_for_MRI.ipynb of github.com/MLI-lab/ConvDecoder.
    They give each coil two output channels. Here there are two in all, for the one image that the maps are applied to.

    Args:
        shape: (H, W) of the image, of any size. On the way there, sizes grow by a constant factor, rounded up.
        layers: number of 3 x 3 convolutions of `width` channels, at least 2.
        generator: draws z and the first weights, on the CPU.

    Raises:
        ValueError: `width` or `layers` is too small.
    """

    z: Tensor  # (1, width, h, w)

    def __init__(self, shape: tuple[int, int], width: int, layers: int, generator: torch.Generator):
        if width < 1 or layers < 2:
            raise ValueError(f"width must be 1 or more and layers 2 or more, not {width} and {layers}")
        super().__init__()
        grid = (min(GRID, shape[0]), min(GRID, shape[1]))
        z = torch.rand(1, width, *grid, generator=generator)
        self.register_buffer("z", z.contiguous(memory_format=torch.channels_last))
        parts: list[nn.Module] = []
        for size in _sizes(grid, shape, layers - 1):
            parts += [nn.Upsample(size=size), *_layer(width, generator)]
        self.network = nn.Sequential(*parts, *_layer(width, generator), _convolution(width, 2, 1, generator))
        convert_conv2d_weight_memory_format(self, torch.channels_last)  # a fifth faster on a CPU

    def forward(self) -> Tensor:
        """Return the image, complex (H, W)."""
        features = self.network[:-1](self.z)  # (1, width, H, W), bfloat16 under autocast
        with torch.autocast(self.z.device.type, enabled=False):
            channels = self.network[-1](features.to(self.z.dtype))  # (1, 2, H, W)
        return complex_image(channels)[0]


def _sizes(start: tuple[int, int], end: tuple[int, int], steps: int) -> list[tuple[int, int]]:
    """Return the sizes after each step from `start` to `end`. Rounding noise above an integer is not rounded up."""
    powers = (np.divide(end, start) ** (step / steps) for step in range(1, steps + 1))
    return [
        (int(height), int(width)) for height, width in (np.ceil(np.multiply(start, power) - 1e-6) for power in powers)
    ]


def _layer(width: int, generator: torch.Generator) -> tuple[nn.Module, ...]:
    norm = nn.BatchNorm2d(width, track_running_stats=False)  # the statistics are always those of the one image
    return _convolution(width, width, 3, generator), nn.ReLU(), norm


def _convolution(inputs: int, outputs: int, side: int, generator: torch.Generator) -> nn.Conv2d:
    """Build a convolution with torch's own first weights, drawn from `generator` and not from torch's global state."""
    convolution = nn.utils.skip_init(nn.Conv2d, inputs, outputs, side, padding=side // 2)
    bound = (inputs * side**2) ** -0.5
    for parameter in convolution.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return convolution


# Rate and iterations have the highest PSNR of `mrilab experiment convdecoder_tuning`, on one validation head at R = 4.
# The best stands at the edge of the grid: more iterations may give more.
ITERATIONS = 4000  # number of steps of the fit
LEARNING_RATE = 0.01  # step size of Adam


@method("convdecoder")
def convdecoder(
    y: Tensor,
    model: SenseModel,
    *,
    generator: torch.Generator,
    progress: Progress,
    iterations: int = ITERATIONS,
    width: int = 32,
    layers: int = 7,
    learning_rate: float = LEARNING_RATE,
    data_consistency: bool = True,
    precision: Precision = "auto",
) -> Tensor:
    """Fit an untrained network to this one scan: its structure is the only prior.

    Minimises ||A G(z) - y||^2 over the weights of `ConvDecoder`. With data_consistency the k-space of every
    coil image is replaced by what was measured, where it was, before the coils are combined. The defaults take one
    to three minutes of a CPU core for 128 x 128; the authors, on GPUs, use 160 to 256 channels and 2500 to 20000 steps.
    precision is that of the network's arithmetic; "auto" is bfloat16 where the device multiplies in it.
    """
    for option, value, least in (("iterations", iterations, 1), ("width", width, 1), ("layers", layers, 2)):
        if value < least:
            raise UserError(f"--{option} {value} is not possible; give {least} or more")
    if not 0 < learning_rate < math.inf:
        raise UserError(f"--learning-rate {learning_rate:g} is not possible; give a number above 0")
    with torch.inference_mode(False), torch.enable_grad():  # a caller may have switched gradients off
        lower = in_bfloat16(precision, y.device)
        network = ConvDecoder(model.shape, width, layers, generator).to(y.device)
        adjoint = model.adjoint(y)  # (H, W)
        unit = torch.linalg.vector_norm(adjoint) / torch.linalg.vector_norm(network().detach())
        if not (unit > 0 and torch.isfinite(unit)):
            raise UserError("the scale of the data is zero or not finite; check that k-space holds a signal")
        image, gradient = _fit(network, model, adjoint / unit, progress(range(iterations)), learning_rate, lower)
    if data_consistency:
        # S^H F^H (P y + (1 - P) F S x) = x - A^H (A x - y), because S^H S = 1
        image = image - gradient
    return image * unit


def _fit(
    network: ConvDecoder, model: SenseModel, target: Tensor, steps: Iterable[int], rate: float, lower: bool
) -> tuple[Tensor, Tensor]:
    """Fit the network to target = A^H y. Return the x of the lowest misfit, and A^H (A x - y), (H, W) each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    lowest, best = math.inf, (target, target)
    for step in steps:
        with torch.autocast(target.device.type, torch.bfloat16, enabled=lower):
            x = network()
        image = x.detach()
        # The gradient of 1/2 ||A x - y||^2 by hand takes one call, and keeps nothing of the model, which tensors of an
        # inference mode do not allow.
        gradient = model.normal(image) - target
        misfit = _twice_misfit(image, gradient, target)
        if not math.isfinite(misfit):
            raise UserError(f"the fit is no longer finite at iteration {step + 1}; use a smaller --learning-rate")
        if misfit < lowest:  # Adam goes astray now and then
            lowest, best = misfit, (image, gradient)
        optimizer.zero_grad()
        x.backward(gradient)
        optimizer.step()
    return best


def _twice_misfit(x: Tensor, gradient: Tensor, target: Tensor) -> float:
    """Return ||A x - y||^2 - ||y||^2 = Re <x, A^H A x - 2 A^H y>, in double precision: what changes in it is small."""
    difference = (gradient - target).to(torch.complex128)
    return float(torch.linalg.vecdot(x.to(torch.complex128).flatten(), difference.flatten()).real)
