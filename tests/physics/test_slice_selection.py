import math

import pytest
import torch
from scipy.integrate import solve_ivp

from mrilab.errors import UserError
from mrilab.physics.slice_selection import sinc_pulse, slice_profile, small_tip_profile, width_at_half

FREQUENCY = torch.linspace(-4, 4, 401, dtype=torch.float64)  # kHz


@pytest.mark.parametrize("flip", [10.0, 90.0])
def test_a_pulse_turns_spins_on_resonance_by_its_flip_angle(flip):
    pulse = sinc_pulse(flip, 2.0, 4.0, 0.01)
    m = slice_profile(pulse, 0.01, torch.zeros(1, dtype=torch.float64))[0]
    expected = [0, math.sin(math.radians(flip)), math.cos(math.radians(flip))]
    assert torch.allclose(m, torch.tensor(expected, dtype=torch.float64), atol=1e-12)


def test_a_small_tip_is_the_fourier_transform():
    pulse = sinc_pulse(1.0, 2.0, 4.0, 0.005)
    m = slice_profile(pulse, 0.005, FREQUENCY)
    found, expected = torch.complex(m[:, 0], m[:, 1]), small_tip_profile(pulse, 0.005, FREQUENCY)
    # the next order is that of flip^2 / 6; steps of dt bring the sinc of nu dt
    assert float((found - expected).abs().max()) < 2e-4 * float(expected.abs().max())
    assert expected.real.abs().max() < 1e-12 * expected.abs().max()  # a symmetric pulse, rephased: along y


def test_a_large_tip_solves_the_bloch_equation():
    duration, dt, nu = 1.0, 0.002, 0.7
    pulse = sinc_pulse(90.0, duration, 4.0, dt)

    def b1(t):
        return float(pulse[min(int(t / dt), len(pulse) - 1)])

    def bloch(t, v):  # gamma M x B with B = (b1, 0, nu), reversed after the pulse
        b = (2 * math.pi * b1(t), 0.0, 2 * math.pi * nu) if t < duration else (0.0, 0.0, -2 * math.pi * nu)
        return [v[1] * b[2] - v[2] * b[1], v[2] * b[0] - v[0] * b[2], v[0] * b[1] - v[1] * b[0]]

    exact = solve_ivp(bloch, (0, 1.5 * duration), [0, 0, 1], rtol=1e-6, atol=1e-8, max_step=0.02).y[:, -1]
    found = slice_profile(pulse, dt, torch.tensor([nu], dtype=torch.float64))[0]
    assert torch.allclose(found, torch.from_numpy(exact), atol=2e-3)


def test_the_width_is_time_bandwidth_over_duration():
    profile = small_tip_profile(sinc_pulse(5.0, 3.0, 6.0, 0.005), 0.005, FREQUENCY)
    assert width_at_half(profile, FREQUENCY) == pytest.approx(6.0 / 3.0, rel=0.02)


def test_the_width_of_a_triangle_is_exact_and_must_be_in_view():
    place = torch.arange(9, dtype=torch.float64)
    assert width_at_half(4 - (place - 4).abs(), place) == pytest.approx(4.0)
    with pytest.raises(UserError, match="look at a wider one"):
        width_at_half(torch.ones(9), place)


def test_a_pulse_without_a_step_is_refused():
    with pytest.raises(UserError, match="smaller steps"):
        sinc_pulse(90.0, 0.01, 4.0, 0.1)
