"""The classical reconstructions as methods of `mrilab recon`."""

import math

import pywt
from torch import Tensor

from mrilab import physics
from mrilab.errors import UserError
from mrilab.methods.registry import method
from mrilab.physics import SenseModel
from mrilab.physics.classical import CG_WEIGHT, WAVELET, WAVELET_WEIGHT


@method("zero-filled")
def zero_filled(y: Tensor, model: SenseModel) -> Tensor:
    """Leave at zero what was not sampled: one inverse Fourier transform and a coil combination."""
    return physics.zero_filled(y, model)


@method("cg-sense")
def cg_sense(y: Tensor, model: SenseModel, *, weight: float = CG_WEIGHT, iterations: int = 30) -> Tensor:
    """Solve least squares over the coils with a little Tikhonov weight, by conjugate gradients."""
    _check(weight, iterations)
    return physics.cg_sense(y, model, weight=weight, iterations=iterations)


@method("l1-wavelet")
def l1_wavelet(
    y: Tensor,
    model: SenseModel,
    *,
    weight: float = WAVELET_WEIGHT,
    iterations: int = 100,
    wavelet: str = WAVELET,
    levels: int = 4,
    cycle_spinning: bool = True,
) -> Tensor:
    """Solve least squares with few wavelet coefficients (compressed sensing), by FISTA with cycle spinning."""
    _check(weight, iterations)
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise UserError(f"unknown wavelet {wavelet!r}; choose haar, dbN, symN or coifN")
    deepest = int(math.log2(min(model.shape)))
    if not 1 <= levels <= deepest:
        raise UserError(f"--levels {levels} is not possible; give 1 to {deepest} for this image")
    return physics.l1_wavelet(
        y, model, weight=weight, iterations=iterations, wavelet=wavelet, levels=levels, cycle_spinning=cycle_spinning
    )


def _check(weight: float, iterations: int) -> None:
    if not weight >= 0:
        raise UserError(f"--weight {weight:g} is not possible; give 0 or more")
    if iterations < 1:
        raise UserError(f"--iterations {iterations} is not possible; give 1 or more")
