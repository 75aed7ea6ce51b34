"""Data consistency inside a network: a regularised least-squares problem, solved so that gradients pass through."""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.physics.acquisition import LinearModel


def consistent(model: LinearModel, adjoint: Tensor, z: Tensor, weight: Tensor, iterations: int) -> Tensor:
    """Return argmin_x ||A x - y||^2 + weight ||x - z||^2 for `adjoint` = A^H y, as (2.12) and (3.6) need it.

    The normal equations are (A^H A + weight) x = A^H y + weight z. They are solved for x - z, that is by conjugate
    gradients that start from z: what the data do not determine is right from the first iteration on. All images are
    (*batch, H, W).
    """

    def normal(x: Tensor) -> Tensor:
        return torch.addcmul(model.normal(x), x, weight)

    return z + unrolled_gradients(normal, adjoint - model.normal(z), iterations, z)


def unrolled_gradients(
    normal: Callable[[Tensor], Tensor], b: Tensor, iterations: int, start: Tensor | None = None
) -> Tensor:
    """Take `iterations` steps of conjugate gradients for normal(x) = b from x = 0, a differentiable function of b.

    As `mrilab.physics.conjugate_gradients`, with sums per image, but out of place, so that autograd can walk back
    through the steps. The shorter formula for the gradient, another solve, is exact only for a converged solution.
    """
    shape = (*b.shape[-2:], 2)
    with torch.autocast(b.device.type, enabled=False):  # it would take the sums in bfloat16, which has two digits
        r = p = _components(b)  # (..., 2 H W): a complex image times a real number would take twice the time
        x = torch.zeros_like(r)
        rr = torch.linalg.vecdot(r, r)[..., None]  # (..., 1)
        # Below this the residual is rounding. Added to what is divided by, it changes no step that matters, and keeps
        # a finished image from dividing 0 by 0, or by what a singular `normal` makes of rounding in its null space.
        size = rr.detach()
        if start is not None:
            z = _components(start.detach())
            size = size + torch.linalg.vecdot(z, z)[..., None]
        floor = (8 * torch.finfo(rr.dtype).eps) ** 2 * size + torch.finfo(rr.dtype).tiny
        for n in range(iterations):
            q = _components(normal(torch.view_as_complex(p.unflatten(-1, shape))))
            alpha = rr / (torch.linalg.vecdot(p, q)[..., None] + floor)
            x = torch.addcmul(x, p, alpha)
            if n + 1 < iterations:
                r = torch.addcmul(r, q, alpha, value=-1)
                before, rr = rr, torch.linalg.vecdot(r, r)[..., None]
                p = torch.addcmul(r, p, rr / (before + floor))
    return torch.view_as_complex(x.unflatten(-1, shape))


def _components(a: Tensor) -> Tensor:
    """Return real and imaginary parts of images, (..., H, W) -> (..., 2 H W)."""
    return torch.view_as_real(a.resolve_conj()).flatten(-3)
