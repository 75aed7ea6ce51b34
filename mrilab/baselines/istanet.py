"""ISTA-Net+: gradient steps to the data, and shrinkage in a learned transform, by turns."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from mrilab.physics.acquisition import SenseModel

START_STEP, START_THRESHOLD = 0.5, 0.01  # of the authors
GAIN = 1e-2  # as built, the last layers are small instead of the authors' Xavier draws


class Phases(NamedTuple):
    """states: (K + 1, n, H, W), x^0 to x^K. asymmetry: mean square of H~(H(x)) - x over all phases, a scalar."""

    states: Tensor
    asymmetry: Tensor


class ISTANet(nn.Module):
    """r <- x - eta_k A^H (A x - y), then x <- r + G_k(H~_k(shrink(H_k(D_k(r)), theta_k))), from x = A^H y.

    Zhang and Ghanem, "ISTA-Net: Interpretable optimization-inspired deep network for image compressive sensing" (CVPR
    2018), the version with residuals, for complex images: real and imaginary part are two channels in and out. H and H~
    are two convolutions with a ReLU in between and should undo each other, for which `asymmetry` is a loss.

    Args:
        width: channels of the transforms. 32, with 9 phases, makes 343 thousand parameters.
        phases: how many, each with weights of its own.
    """

    def __init__(self, width: int = 32, phases: int = 9):
        super().__init__()
        self.config = {"width": width, "phases": phases}
        self.phases = nn.ModuleList(_Phase(width) for _ in range(phases))

    def forward(self, y: Tensor, mask: Tensor, coil_maps: Tensor) -> Phases:
        """All states for k-space `y` (n, coil, H, W); `mask` and `coil_maps` as for `SenseModel`."""
        model = SenseModel(coil_maps, mask)
        adjoint = model.adjoint(y)  # (n, H, W)
        states, asymmetry = [adjoint], 0
        for phase in self.phases:
            x, misfit = phase(states[-1], adjoint, model)
            states.append(x)
            asymmetry = asymmetry + misfit / len(self.phases)
        return Phases(torch.stack(states), asymmetry)


class _Phase(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.step = nn.Parameter(torch.tensor(START_STEP))
        self.threshold = nn.Parameter(torch.tensor(START_THRESHOLD))
        self.D, self.G = _convolution(2, width), _convolution(width, 2)
        self.forth = nn.Sequential(_convolution(width, width), nn.ReLU(), _convolution(width, width))
        self.back = nn.Sequential(_convolution(width, width), nn.ReLU(), _convolution(width, width))
        self.to(memory_format=torch.channels_last)
        self.G.weight.data *= GAIN

    def forward(self, x: Tensor, adjoint: Tensor, model: SenseModel) -> tuple[Tensor, Tensor]:
        r = x - self.step * (model.normal(x) - adjoint)
        features = self.D(torch.view_as_real(r).movedim(-1, 1))  # (n, width, H, W)
        seen = self.forth(features)
        shrunk = seen.sign() * relu(seen.abs() - self.threshold)
        out = self.G(self.back(shrunk)).to(r.real.dtype)  # (n, 2, H, W), back from bf16
        asymmetry = (self.back(seen) - features).to(r.real.dtype).square().mean()
        return r + torch.view_as_complex(out.movedim(1, -1).contiguous()), asymmetry


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
