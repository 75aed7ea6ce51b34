"""Reconstruction by an untrained network that is fitted to the one scan at hand: ConvDecoder.

Darestani and Heckel, "Accelerated MRI with un-trained neural networks", IEEE Trans Comput Imaging 2021; 7:724. As in
the authors' code, the data are scaled to the norm of the untrained network's output, Adam minimises the misfit, the
image of the lowest misfit counts, and what was measured replaces its k-space at the end. Unlike there, one complex
image is fitted through the coil maps (Jalal et al. 2021 used it so), not the image of each coil.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.machine import Precision, in_bfloat16
from mrilab.methods.registry import method
from mrilab.nets import ConvDecoder

# Rate and iterations have the highest PSNR of `mrilab experiment convdecoder_tuning`, on one validation head at R = 4.
# Low rates fit sooner, then take up the noise. The best stands at the edge of the grid: more iterations may give more.
# That was in float32; bfloat16 gives the same there in half the time.
ITERATIONS, WIDTH, LAYERS = 4000, 32, 7
LEARNING_RATE = 0.01


@method("convdecoder")
def convdecoder(
    y,
    model,
    *,
    generator,
    progress,
    iterations: int = ITERATIONS,
    width: int = WIDTH,
    layers: int = LAYERS,
    learning_rate: float = LEARNING_RATE,
    data_consistency: bool = True,
    precision: Precision = "auto",
) -> Tensor:
    """An untrained network fitted to this one scan: its structure is the only prior.

    Minimises ||A G(z) - y||^2 over the weights of `mrilab.nets.ConvDecoder`. With data_consistency the k-space of every
    coil image is replaced by what was measured, where it was, before the coils are combined. The defaults take one
    to three minutes of a CPU core for 128 x 128; the authors, on GPUs, use 160 to 256 channels and 2500 to 20000 steps.
    precision is that of the network's arithmetic; "auto" is bfloat16 where the device multiplies in it.
    """
    if iterations < 1:
        raise UserError(f"--iterations {iterations} is not possible; give 1 or more")
    if width < 1:
        raise UserError(f"--width {width} is not possible; give 1 or more")
    if layers < 2:
        raise UserError(f"--layers {layers} is not possible; give 2 or more")
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


def _fit(network: ConvDecoder, model, target: Tensor, steps, rate: float, lower: bool) -> tuple[Tensor, Tensor]:
    """Fits the network in place to target = A^H y. The image x of the lowest misfit, and A^H (A x - y), (H, W) each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    lowest, best = math.inf, None
    for step in steps:
        with torch.autocast(target.device.type, torch.bfloat16, enabled=lower):
            x = network()
        image = x.detach()
        # A^H (A x - y) is the gradient of 1/2 ||A x - y||^2. Given by hand, it takes one call instead of a forward and
        # a backward one, and nothing of the model needs to be kept, which tensors of an inference mode do not allow.
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
    """||A x - y||^2 - ||y||^2 = Re <x, A^H A x - 2 A^H y>, in double precision: what changes in it is small."""
    difference = (gradient - target).to(torch.complex128)
    return float(torch.linalg.vecdot(x.to(torch.complex128).flatten(), difference.flatten()).real)
