"""Slice selection: a pulse of limited bandwidth in a gradient tips only the spins of a slice.

Pulses (time,) are gamma / 2 pi times B1 in kHz, along x, in steps of dt ms. A frequency in kHz is a place: with a
gradient G it is gamma / 2 pi G z. For small angles the profile is the pulse's Fourier transform (Pauly, Nishimura,
Macovski, J Magn Reson 1989; 81:43).
"""

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.bloch import offset_field, precess


def sinc_pulse(flip: float, duration: float, time_bandwidth: float, dt: float) -> Tensor:
    """Return a sinc pulse (time,) with Hann window that turns spins on resonance by `flip` degrees.

    The slice is time_bandwidth / duration kHz wide. The pulse is sampled in the middle of each step.

    Raises:
        UserError: the pulse is shorter than one step.
    """
    steps = round(duration / dt)
    if steps < 1:
        raise UserError(f"a pulse of {duration:g} ms has no step of {dt:g} ms; take smaller steps")
    t = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps - 0.5  # of the duration, 0 in the middle
    shape = torch.sinc(time_bandwidth * t) * (1 + torch.cos(2 * torch.pi * t))
    return shape * (flip / 360) / (shape.sum() * dt)


def slice_profile(pulse: Tensor, dt: float, frequency: Tensor) -> Tensor:
    """Return the magnetisation (frequency, 3) after `pulse` and a rephasing lobe, by the Bloch equation.

    The rephasing lobe is the gradient reversed for half the pulse's duration. There is no relaxation.
    """
    m = torch.tensor([0, 0, 1], dtype=pulse.dtype).repeat(len(frequency), 1)
    offset = offset_field(frequency)  # (frequency, 3)
    for b1 in pulse:
        m = precess(m, offset + b1 * torch.tensor([1, 0, 0], dtype=pulse.dtype), dt)
    return precess(m, -offset, len(pulse) * dt / 2)


def small_tip_profile(pulse: Tensor, dt: float, frequency: Tensor) -> Tensor:
    """Return the transverse magnetisation, complex (frequency,), for small angles: i 2 pi times the Fourier transform.

    M_xy(nu) = 2 pi i sum over t of b1(t) exp(2 pi i nu t) dt, with t = 0 in the middle of the pulse.
    """
    t = (torch.arange(len(pulse), dtype=pulse.dtype) + 0.5 - len(pulse) / 2) * dt
    waves = torch.polar(torch.ones(len(frequency), len(t), dtype=pulse.dtype), 2 * torch.pi * frequency[:, None] * t)
    return 2j * torch.pi * dt * (waves @ pulse.to(waves.dtype))


def width_at_half(profile: Tensor, place: Tensor) -> float:
    """Return the full width at half of the largest |profile| (place,), between the outermost crossings.

    Crossings lie between two places and are interpolated linearly.

    Raises:
        UserError: the profile is above half at an end, so its width is not in view.
    """
    height = profile.abs() / profile.abs().max()
    above = (height >= 0.5).nonzero().flatten()
    first, last = int(above[0]), int(above[-1])
    if first == 0 or last == len(height) - 1:
        raise UserError("the profile is above half at the end of the range; look at a wider one")

    def crossing(low: int, high: int) -> Tensor:
        share = (0.5 - height[low]) / (height[high] - height[low])
        return place[low] + share * (place[high] - place[low])

    return float(crossing(last + 1, last) - crossing(first - 1, first))
