"""Gradients: they make the precession depend on the place, and their integral over time is the place in k-space.

Positions in mm, gradients in mT/m, times in ms, frequencies in kHz, k in cycles per mm. A millitesla per metre is a
microtesla per millimetre, hence the factor 1e-3 below. Twieg, Med Phys 1983; 10:610. Ljunggren, J Magn Reson 1983;
54:338.
"""

import torch
from torch import Tensor

GAMMA_BAR = 42.577478518  # gamma / 2 pi of the proton in kHz per mT (CODATA 2018)


def larmor_offset(gradient: float | Tensor, position: float | Tensor) -> float | Tensor:
    """Return by how many kHz spins at `position` (mm) precess faster in a gradient (mT/m) along it."""
    return GAMMA_BAR * 1e-3 * gradient * position


def trajectory(gradient: Tensor, dt: float) -> Tensor:
    """Return k (..., time) in cycles per mm at the end of each step of `dt` ms, from 0 at the excitation.

    `gradient` (..., time) in mT/m is constant within a step, so that the integral is exact.
    """
    return GAMMA_BAR * 1e-3 * torch.cumsum(gradient, -1) * dt


def readout_gradient(fov: float, dwell: float) -> float:
    """Return the gradient (mT/m) for which samples `dwell` ms apart lie 1 / FOV apart in k-space, FOV in mm."""
    return 1 / (GAMMA_BAR * 1e-3 * fov * dwell)


def hertz_per_pixel(n: int, dwell: float) -> float:
    """Return by how many Hz neighbouring pixels differ in a readout of `n` samples, `dwell` ms apart.

    The receiver's bandwidth 1 / dwell is shared by n pixels.
    """
    return 1e3 / (n * dwell)
