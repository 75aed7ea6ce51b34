"""Reconstruction by an unrolled network, ISTA-Net+, and by a frozen denoiser, with a variance for every pixel."""

import torch
from torch import Tensor, nn

from mrilab.baselines.istanet import ISTANet
from mrilab.infomri.losses import Posterior, variance_of
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.protocol import Acquisition
from mrilab.physics.scale import quantile_scale


class Variance(nn.Module):
    """The variance of each pixel, from first and last image of a reconstruction, (n, H, W) -> (n, 1, H, W)."""

    def __init__(self, width: int):
        super().__init__()
        sizes = (4, width, width, 1)
        layers: list[nn.Module] = []
        for before, after in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.1)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, first: Tensor, last: Tensor) -> Tensor:
        channels = torch.cat([real_channels(first), real_channels(last)], 1)  # (n, 4, H, W)
        return variance_of(self.layers(channels).to(first.real.dtype))


class UnrolledPosterior(nn.Module):
    """ISTA-Net+ for the mean, and a small network for the variance.

    Gradient steps to the data hold the mask too, so its gradient comes from the zero-filled image and through them.

    Args:
        parts: 1 for real images, 2 for complex ones. width: channels. phases: number of gradient steps.
        scaled: take data over the 0.99 quantile of the zero-filled image, for scans in any unit.
    """

    def __init__(self, parts: int, width: int = 16, phases: int = 6, scaled: bool = False):
        super().__init__()
        self.parts, self.scaled = parts, scaled
        self.ista = ISTANet(width, phases)
        self.variance = Variance(width)

    def forward(self, y: Tensor, model: SenseModel) -> Posterior:
        """Return the posterior of images (n, H, W), given k-space (n, coil, H, W) that `model`'s mask is yet to cut."""
        q = torch.ones(len(y), 1, 1, device=y.device)
        if self.scaled:
            q = quantile_scale(model.adjoint(y)).detach()  # (n, 1, 1)
        path = self.ista(Acquisition(y / q[:, None], model.mask, model.coil_maps))
        variance = self.variance(path.states[0], path.image.detach())
        self.asymmetry = path.asymmetry
        mean = real_channels(path.image)[:, : self.parts]  # (n, parts, H, W)
        return Posterior(q[:, None] * mean, q[:, None].square() * variance)
