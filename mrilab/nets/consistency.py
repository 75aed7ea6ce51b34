"""Data consistency inside a network: a regularised least-squares problem, solved so that gradients pass through."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.physics.acquisition import SenseModel


def consistent(model: SenseModel, adjoint: Tensor, z: Tensor, weight: Tensor, iterations: int) -> Tensor:
    """argmin_x ||A x - y||^2 + weight ||x - z||^2 for `adjoint` = A^H y. (*batch, H, W) -> (*batch, H, W).

    The normal equations are (A^H A + weight) x = A^H y + weight z. They are solved for x - z, that is by conjugate
    gradients that start from z: what the data do not determine is right from the first iteration on.
    """

    def normal(x: Tensor) -> Tensor:
        return torch.addcmul(model.normal(x), x, weight)

    return z + unrolled_gradients(normal, adjoint - model.normal(z), iterations)


def data_step(mu: Tensor, adjoint: Tensor, model, gamma: float | Tensor) -> Tensor:
    """D = mu - gamma A^H (A mu - y), equation (7), for `adjoint` = A^H y: exact for one coil and isotropic doubt."""
    return mu - gamma * (model.normal(mu) - adjoint)


def unrolled_gradients(normal: Callable[[Tensor], Tensor], b: Tensor, iterations: int) -> Tensor:
    """`iterations` steps of conjugate gradients for normal(x) = b from x = 0, a differentiable function of b.

    As `mrilab.physics.conjugate_gradients`, with sums per image, but out of place, so that autograd can walk back
    through the steps. That is the exact gradient of what is returned, converged or not; the shorter formula for
    the gradient, another solve with the same operator, is exact only for a converged solution.
    """
    x, r, p = torch.zeros_like(b), b, b
    rr = _energy(r)
    # below this the residual is rounding: a finished image must not divide 0 by 0, nor by what a singular `normal`
    # makes of rounding in its null space
    floor = (8 * torch.finfo(rr.dtype).eps) ** 2 * rr.detach()
    for _ in range(iterations):
        q = normal(p)
        curvature = _dot(p, q)
        done = (rr.detach() <= floor) | (curvature.detach() <= 0)
        alpha = torch.where(done, 0, rr / torch.where(done, 1, curvature))
        x = torch.addcmul(x, p, alpha)
        r = torch.addcmul(r, q, alpha, value=-1)
        rr_next = _energy(r)
        p = torch.addcmul(r, p, torch.where(done, 0, rr_next / torch.where(done, 1, rr)))
        rr = rr_next
    return x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Real part of a^H b per image, (..., H, W) -> (..., 1, 1)."""
    # not as a product of matrices, which autocast would take in bfloat16
    a, b = (torch.view_as_real(each.resolve_conj()).flatten(-3) for each in (a, b))  # (..., 2 H W)
    return torch.linalg.vecdot(a, b)[..., None, None]


def _energy(a: Tensor) -> Tensor:
    return _dot(a, a)
