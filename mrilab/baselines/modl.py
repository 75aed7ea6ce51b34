"""MoDL: a denoiser and conjugate gradients by turns, the same weights in every turn."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mrilab.nets.cnn import residual_layers
from mrilab.nets.consistency import consistent
from mrilab.physics.acquisition import SenseModel

START_WEIGHT = 0.05  # of Aggarwal et al.


class MoDL(nn.Module):
    """x <- argmin_x ||A x - y||^2 + lambda ||x - D(x)||^2, `unrolls` times from A^H y.

    After Aggarwal et al., "MoDL: Model-based deep learning architecture for inverse problems" (IEEE Trans Med Imaging
    2019; 38:394), in the size that Jalal et al. (NeurIPS 2021, appendix G) compare with. D(x) = x + residual network;
    as built, the residual is 0 and the network is regularised least squares.

    lambda is learned as its logarithm: it stays positive, and a step of the optimiser is relative.

    Args:
        width: channels of the residual network. 64 makes 224 thousand parameters.
        unrolls: how often denoiser and data take turns.
        iterations: of conjugate gradients in each turn.
    """

    def __init__(self, width: int = 64, unrolls: int = 6, iterations: int = 6):
        super().__init__()
        self.config = {"width": width, "unrolls": unrolls, "iterations": iterations}
        self.unrolls, self.iterations = unrolls, iterations
        self.log_weight = nn.Parameter(torch.tensor(math.log(START_WEIGHT)))
        self.residual = residual_layers(2, width)

    def forward(self, y: Tensor, mask: Tensor, coil_maps: Tensor) -> Tensor:
        """The images (n, H, W) of k-space `y` (n, coil, H, W), in units of about the image's 0.99 quantile.

        `mask` is bool, broadcastable to (n, H, W), and `coil_maps` (n, coil, H, W), both as for `SenseModel`.
        """
        model = SenseModel(coil_maps, mask)
        x = adjoint = model.adjoint(y)
        weight = self.log_weight.exp()
        for _ in range(self.unrolls):
            x = consistent(model, adjoint, self.denoise(x), weight, self.iterations)
        return x

    def denoise(self, x: Tensor) -> Tensor:
        """D(x), (n, H, W) complex."""
        channels = torch.view_as_real(x).movedim(-1, 1)  # (n, 2, H, W): no copy, this is channels_last
        residual = self.residual(channels).to(channels.dtype)  # back from bf16 where autocast made it that
        return x + torch.view_as_complex(residual.movedim(1, -1).contiguous())
