"""ISTA-Net+: gradient steps to the data, and shrinkage in a learned transform, by turns."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils import convert_conv2d_weight_memory_format

from mrilab.nets.channels import complex_image, real_channels
from mrilab.nets.trajectory import Trajectory
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.protocol import Acquisition

START_STEP = 0.5  # first step size eta, that of the authors
START_THRESHOLD = 0.01  # first threshold theta, that of the authors
GAIN = 1e-2  # factor on the first weights of each last layer, which the authors draw in Xavier's way


class ISTANet(nn.Module):
    """r <- x - eta_k A^H (A x - y), then x <- r + G_k(H~_k(shrink(H_k(D_k(r)), theta_k))), from x = A^H y.

    Zhang and Ghanem, "ISTA-Net: Interpretable optimization-inspired deep network for image compressive sensing" (CVPR
    2018), the version with residuals, for complex images: real and imaginary part are two channels in and out. H and H~
    are two convolutions with a ReLU in between and should undo each other, for which `asymmetry` is a loss.

    Args:
        width: channels of the transforms. 32, with 9 phases, makes 343 thousand parameters.
        phases: number of phases, each with weights of its own.
    """

    def __init__(self, width: int = 32, phases: int = 9):
        super().__init__()
        self.config = {"width": width, "phases": phases}
        self.phases = nn.ModuleList(_Phase(width) for _ in range(phases))

    def forward(self, scan: Acquisition) -> Trajectory:
        """Return all states, and how far each H~ is from undoing its H."""
        model = scan.model
        adjoint = model.adjoint(scan.kspace)  # (n, H, W)
        states, asymmetry = [adjoint], adjoint.real.new_zeros(())
        for phase in self.phases:
            x, misfit = phase(states[-1], adjoint, model)
            states.append(x)
            asymmetry = asymmetry + misfit / len(self.phases)
        return Trajectory(torch.stack(states), asymmetry=asymmetry)


class _Phase(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.step = nn.Parameter(torch.tensor(START_STEP))
        self.threshold = nn.Parameter(torch.tensor(START_THRESHOLD))
        convolution = partial(nn.Conv2d, kernel_size=3, padding=1, bias=False)
        self.D, self.G = convolution(2, width), convolution(width, 2)
        self.forth = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        self.back = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        convert_conv2d_weight_memory_format(self, torch.channels_last)
        self.G.weight.data *= GAIN

    def forward(self, x: Tensor, adjoint: Tensor, model: SenseModel) -> tuple[Tensor, Tensor]:
        r = x - self.step * (model.normal(x) - adjoint)
        features = self.D(real_channels(r))  # (n, width, H, W)
        coefficients = self.forth(features)
        shrunk = coefficients.sign() * relu(coefficients.abs() - self.threshold)
        residual = complex_image(self.G(self.back(shrunk)))  # (n, H, W)
        asymmetry = (self.back(coefficients) - features).to(r.real.dtype).square().mean()
        return r + residual, asymmetry
