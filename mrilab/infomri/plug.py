"""Plug-and-play: a frozen denoiser between gradient steps to the data. Only the mask and few numbers are learned."""

import torch
from torch import Tensor, nn

from mrilab.csgm.denoiser import Denoiser
from mrilab.infomri.losses import Posterior
from mrilab.infomri.unrolled import Variance
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel

SIGMA_START = 0.3  # first noise level of the denoiser, falling to SIGMA_END
SIGMA_END = 0.02


class PlugPosterior(nn.Module):
    """x <- D(x - eta_k A^H (A x - y), sigma_k): step sizes and noise levels learn, and a variance head; D does not.

    Args:
        parts: 1 for real images, 2 for complex ones.
        width, sigma_data: those of the `mrilab.csgm.denoiser.Denoiser`, whose weights are part of the checkpoint.
        phases: number of steps.
    """

    def __init__(self, parts: int, width: int = 8, sigma_data: float = 0.3, phases: int = 5):
        super().__init__()
        self.parts = parts
        self.denoiser = Denoiser(width, sigma_data).requires_grad_(False)
        self.step = nn.Parameter(torch.ones(phases))
        levels = torch.linspace(0, 1, phases) * torch.log(torch.tensor(SIGMA_END / SIGMA_START))
        self.log_sigma = nn.Parameter(torch.log(torch.tensor(SIGMA_START)) + levels)
        self.variance = Variance(16)

    def forward(self, y: Tensor, model: SenseModel) -> Posterior:
        """Return the posterior of images (n, H, W), given k-space (n, coil, H, W) that `model`'s mask is yet to cut."""
        adjoint = model.adjoint(y)  # (n, H, W)
        x = adjoint
        for step, log_sigma in zip(self.step, self.log_sigma, strict=True):
            x = x - step * (model.normal(x) - adjoint)
            x = self.denoiser(x, log_sigma.exp().expand(len(x)))
        return Posterior(real_channels(x)[:, : self.parts], self.variance(adjoint, x.detach()))
