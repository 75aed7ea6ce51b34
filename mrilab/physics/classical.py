"""Reconstruction without learning: zero-filled, CG-SENSE and L1-wavelet. All take (y, model) and return x.

k-space y is (*batch, coil, H, W), the image (*batch, H, W). Weights are relative to the scale of the data. A scan in
raw scanner units (1e-6) and the same scan in units of its own brightness give the same image. The keyword-only
parameters are the options of `mrilab recon`, and raise `UserError` where they are out of range. The others are for
tests and lessons: each loop stops when the residual (CG) or the step (FISTA) of every image is below `tolerance` times
the norm of its start or of the image, and `threshold`, (*batch) or a number, is absolute, in place of `weight`.
"""

import math
from collections.abc import Callable

import pywt
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
    """Leave at zero what was not sampled: one inverse Fourier transform and a coil combination.

    This is A^H y. For full sampling and normalised maps it is the MVUE.
    """
    return model.adjoint(y)


def cg_sense(
    y: Tensor, model: SenseModel, tolerance: float = 1e-4, *, weight: float = CG_WEIGHT, iterations: int = 30
) -> Tensor:
    """Solve least squares over the coils with a little Tikhonov weight, by conjugate gradients.

    Minimises ||A x - y||^2 + weight ||x||^2 (Pruessmann et al., Magn Reson Med 2001; 46:638). The norm of A is at most
    1, which gives `weight` its meaning.
    """
    _check(weight, iterations)

    def normal(x: Tensor) -> Tensor:
        return model.normal(x).add_(x, alpha=weight)

    return conjugate_gradients(normal, model.adjoint(y), iterations, tolerance)


def conjugate_gradients(
    normal: Callable[[Tensor], Tensor], b: Tensor, iterations: int = 30, tolerance: float = 1e-4
) -> Tensor:
    """Solve normal(x) = b, from x = 0, for a Hermitian positive definite operator on images (..., H, W).

    Sums run per image, not per batch: a batch gives the same images as one after another. The steps work in place.
    `mrilab.nets.consistency.unrolled_gradients` are the same steps for autograd to walk back through.
    """
    x, r, p = torch.zeros_like(b), b.clone(), b.clone()
    rr = _energy(b)
    stop = tolerance**2 * rr
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
    tolerance: float = 1e-4,
    threshold: Tensor | float | None = None,
    *,
    weight: float = WAVELET_WEIGHT,
    iterations: int = 100,
    wavelet: str = WAVELET,
    levels: int = 4,
    cycle_spinning: bool = True,
) -> Tensor:
    """Solve least squares with few wavelet coefficients (compressed sensing), by FISTA with cycle spinning.

    Minimises 1/2 ||A x - y||^2 + threshold ||W x||_1 (Lustig et al. 2007; Beck and Teboulle 2009).

    Args:
        weight: threshold over the 0.99 quantile of the zero-filled magnitude, per image.
        cycle_spinning: W is shifted by another (dy, dx) in each iteration. The image gains about as much as from a
            translation-invariant transform. The objective above is then the average over shifts.
    """
    _check(weight, iterations)
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise UserError(f"unknown wavelet {wavelet!r}; choose haar, dbN, symN or coifN")
    deepest = int(math.log2(min(model.shape)))
    if not 1 <= levels <= deepest:
        raise UserError(f"--levels {levels} is not possible; give 1 to {deepest} for this image")
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


def _check(weight: float, iterations: int) -> None:
    if not weight >= 0:
        raise UserError(f"--weight {weight:g} is not possible; give 0 or more")
    if iterations < 1:
        raise UserError(f"--iterations {iterations} is not possible; give 1 or more")


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the real part of a^H b per image, (..., H, W) -> (..., 1, 1)."""
    return torch.linalg.vecdot(a.flatten(-2), b.flatten(-2)).real[..., None, None]


def _energy(a: Tensor) -> Tensor:
    return _dot(a, a)
