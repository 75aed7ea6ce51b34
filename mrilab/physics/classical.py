"""Reconstruction without learning: zero-filled, CG-SENSE and L1-wavelet. All take (y, model) and return x.

k-space y is (*batch, coil, H, W), the image (*batch, H, W). Weights are relative to the scale of the data. A scan in
raw scanner units (1e-6) and the same scan in units of its own brightness give the same image.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.scale import quantile_scale
from mrilab.physics.wavelet import Wavelet2d

# These have the best mean PSNR on the clinical validation heads at R = 4 (results/classical_weights.csv). Fixed since.
CG_WEIGHT = 0.01
WAVELET_WEIGHT = 3e-3
WAVELET = "db2"


def zero_filled(y: Tensor, model: SenseModel) -> Tensor:
    """Return A^H y: missing k-space stays zero. For full sampling and normalised maps this is the MVUE."""
    return model.adjoint(y)


def cg_sense(
    y: Tensor,
    model: SenseModel,
    weight: float = CG_WEIGHT,
    iterations: int = 30,
    tolerance: float = 1e-4,
) -> Tensor:
    """Minimise ||A x - y||^2 + weight ||x||^2 by conjugate gradients (Pruessmann et al., Magn Reson Med 2001; 46:638).

    The norm of A is at most 1, which gives `weight` its meaning. The loop stops when every image's residual is below
    `tolerance` times its start.
    """
    b = model.adjoint(y)

    def normal(x: Tensor) -> Tensor:
        return model.normal(x).add_(x, alpha=weight)

    return conjugate_gradients(normal, b, iterations=iterations, tolerance=tolerance)


def conjugate_gradients(
    normal: Callable[[Tensor], Tensor],
    b: Tensor,
    x: Tensor | None = None,
    iterations: int = 30,
    tolerance: float = 1e-4,
) -> Tensor:
    """Solve normal(x) = b for a Hermitian positive definite operator on images (..., H, W).

    Sums run per image, not per batch: a batch gives the same images as one after another. The steps work in place.
    `mrilab.nets.consistency.unrolled_gradients` are the same steps for autograd to walk back through.
    """
    x = torch.zeros_like(b) if x is None else x.clone()
    r = b - normal(x) if x.any() else b.clone()
    p = r.clone()
    rr = _energy(r)
    stop = tolerance**2 * _energy(b)
    for _ in range(iterations):
        if (rr <= stop).all():
            break
        q = normal(p)
        # p^H normal p is real for a Hermitian operator; what is left of its imaginary part is rounding
        curvature = _dot(p, q)
        done = (rr <= stop) | (curvature <= 0)  # a finished image must not divide 0 by 0
        alpha = torch.where(done, 0, rr / torch.where(done, 1, curvature))
        x.addcmul_(p, alpha.to(p.dtype))
        r.addcmul_(q, alpha.to(q.dtype), value=-1)
        rr_next = _energy(r)
        beta = torch.where(done, 0, rr_next / torch.where(done, 1, rr))
        p.mul_(beta).add_(r)
        rr = rr_next
    return x


def l1_wavelet(
    y: Tensor,
    model: SenseModel,
    weight: float = WAVELET_WEIGHT,
    iterations: int = 100,
    tolerance: float = 1e-4,
    wavelet: str = WAVELET,
    levels: int = 4,
    cycle_spinning: bool = True,
    threshold: Tensor | float | None = None,
) -> Tensor:
    """Minimise 1/2 ||A x - y||^2 + threshold ||W x||_1 by FISTA (Lustig et al. 2007; Beck and Teboulle 2009).

    Args:
        weight: threshold over the 0.99 quantile of the zero-filled magnitude, per image.
        tolerance: the loop stops when the step of every image is below this part of its norm.
        cycle_spinning: W is shifted by another (dy, dx) in each iteration. The image gains about as much as from a
            translation-invariant transform. The objective above is then the average over shifts.
        threshold: absolute threshold in place of `weight`, (*batch) or a number.

    Raises:
        UserError: a negative threshold.
    """
    b = model.adjoint(y)
    shape = b.shape
    flat = b.reshape(-1, *shape[-2:])  # (n, H, W)
    if threshold is None:
        threshold = weight * quantile_scale(flat)[:, 0, 0]  # (n,)
    threshold = torch.as_tensor(threshold, dtype=b.real.dtype, device=b.device).reshape(-1).expand(len(flat))
    if not (threshold >= 0).all():
        raise UserError("the wavelet threshold must not be negative")
    transform = Wavelet2d(wavelet, levels)
    shifts = torch.Generator().manual_seed(0)

    x = flat.clone()
    z, t = x, 1.0
    for _ in range(iterations):
        # step 1 is allowed: the norm of A is at most 1
        gradient = (model.normal(z.reshape(shape)) - b).reshape(x.shape)
        shift = torch.randint(2**levels, (2,), generator=shifts).tolist() if cycle_spinning else (0, 0)
        x_next = transform.soft_threshold(z - gradient, threshold, (shift[0], shift[1]))
        t_next = (1 + (1 + 4 * t * t) ** 0.5) / 2
        step = x_next - x
        z = x_next + step * ((t - 1) / t_next)
        x, t = x_next, t_next
        if (_energy(step) <= tolerance**2 * _energy(x)).all():
            break
    return x.reshape(shape)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the real part of a^H b per image, (..., H, W) -> (..., 1, 1)."""
    return torch.linalg.vecdot(a.flatten(-2), b.flatten(-2)).real[..., None, None]


def _energy(a: Tensor) -> Tensor:
    return _dot(a, a)
