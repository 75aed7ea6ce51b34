"""MoDL: a denoiser and conjugate gradients by turns, the same weights in every turn."""

import math

import torch
from torch import Tensor, nn

from mrilab.nets.channels import complex_image, real_channels
from mrilab.nets.cnn import residual_layers
from mrilab.nets.consistency import consistent
from mrilab.nets.trajectory import Trajectory
from mrilab.physics.protocol import Acquisition

START_WEIGHT = 0.05  # the first lambda, that of Aggarwal et al.


class MoDL(nn.Module):
    """x <- argmin_x ||A x - y||^2 + lambda ||x - D(x)||^2, `unrolls` times from A^H y.

    After Aggarwal et al., "MoDL: Model-based deep learning architecture for inverse problems" (IEEE Trans Med Imaging
    2019; 38:394), in the size that Jalal et al. (NeurIPS 2021, appendix G) compare with. D(x) is x plus a residual
    network, which is 0 as built. The logarithm of lambda is learned, so that lambda stays positive.

    Args:
        width: channels of the residual network. 64 makes 224 thousand parameters.
        unrolls: number of turns of denoiser and data.
        iterations: number of conjugate-gradient steps in each turn.
    """

    def __init__(self, width: int = 64, unrolls: int = 6, iterations: int = 6):
        super().__init__()
        self.config = {"width": width, "unrolls": unrolls, "iterations": iterations}
        self.unrolls, self.iterations = unrolls, iterations
        self.log_weight = nn.Parameter(torch.tensor(math.log(START_WEIGHT)))
        self.residual = residual_layers(2, width)

    def forward(self, scan: Acquisition) -> Trajectory:
        """Return the images after each turn. The scans are in units of about their image's 0.99 quantile."""
        model = scan.model
        adjoint = model.adjoint(scan.kspace)  # (n, H, W)
        states, weight = [adjoint], self.log_weight.exp()
        for _ in range(self.unrolls):
            states.append(consistent(model, adjoint, self.denoise(states[-1]), weight, self.iterations))
        return Trajectory(torch.stack(states))

    def denoise(self, x: Tensor) -> Tensor:
        """Return D(x), complex (n, H, W)."""
        return x + complex_image(self.residual(real_channels(x)))
