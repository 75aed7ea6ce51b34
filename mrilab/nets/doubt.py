"""How far a denoised image is off, from the data of its own scan: rho of the derived rule without the truth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.physics.acquisition import SenseModel

LEAST = 0.1  # rho^2 over sigma^2, where an image explains the data better than their noise allows


class Traces(NamedTuple):
    """tr A^H A and tr (A^H A)^2, (n, 1, 1) each."""

    first: Tensor
    second: Tensor


@torch.no_grad()
def traces(model: SenseModel) -> Traces:
    """Those of `model`, by one white image, the same at every call: right to about a percent at 128 x 128."""
    probe = torch.randn(*model.shape, 2, generator=torch.Generator().manual_seed(0))
    probe = torch.view_as_complex(probe).to(model.coil_maps)
    seen = model.normal(probe.expand(*model.coil_maps.shape[:-3], *model.shape))  # (n, H, W)
    return Traces(*((a.conj() * seen).real.sum((-2, -1), keepdim=True) / 2 for a in (probe, seen)))


@torch.no_grad()
def squared_doubt(residual: Tensor, of: Traces, noise_std: float) -> Tensor:
    """rho^2 per real component, (n, 1, 1), from `residual` = A^H (y - A N), (n, H, W).

    With x_0 - N white of variance rho^2 and noise of variance sigma^2, A^H (y - A N) = A^H A (x_0 - N) + A^H n, so

        E |A^H (y - A N)|^2 = rho^2 tr (A^H A)^2 + sigma^2 tr A^H A    (11)

    Autograd takes it for a constant.
    """
    energy = torch.view_as_real(residual).square().sum((-3, -2, -1))[..., None, None] / 2
    return ((energy - noise_std**2 * of.first) / of.second).clamp(min=LEAST * noise_std**2)
