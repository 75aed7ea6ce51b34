import math

import pytest
import torch

from mrilab.physics.gradients import GAMMA_BAR, hertz_per_pixel, larmor_offset, readout_gradient, trajectory


def test_a_millitesla_per_metre_over_a_metre_is_a_millitesla():
    assert larmor_offset(1.0, 1000.0) == pytest.approx(42.577478518)
    assert GAMMA_BAR * 2 * math.pi * 1e6 == pytest.approx(2.6752218744e8, rel=1e-9)  # CODATA 2018, rad / (s T), per mT


def test_k_is_the_integral_of_the_gradient():
    dt = 0.01
    t = torch.arange(100, dtype=torch.float64) * dt
    k = trajectory(torch.sin(torch.pi * t) ** 2, dt)
    assert float(k[-1]) == pytest.approx(GAMMA_BAR * 1e-3 * 0.5, rel=1e-12)  # the integral over a period is exact
    lobes = trajectory(torch.tensor([[-2.0, -2.0, 4.0, 4.0], [0, 0, 0, 0]], dtype=torch.float64), 0.5)
    assert torch.allclose(lobes, GAMMA_BAR * 1e-3 * torch.tensor([[-1, -2, 0, 2], [0, 0, 0, 0.0]], dtype=torch.float64))


def test_the_phase_of_a_spin_is_k_times_its_place():
    gradient, dt, place = torch.tensor([3.0, -1.0, 2.5], dtype=torch.float64), 0.2, 17.0
    turns = sum(larmor_offset(float(g), place) * dt for g in gradient)
    assert float(trajectory(gradient, dt)[-1]) * place == pytest.approx(turns, rel=1e-12)


def test_the_readout_gradient_spreads_the_field_of_view_over_the_bandwidth():
    fov, dwell, n = 240.0, 0.02, 120
    gradient = readout_gradient(fov, dwell)
    assert float(trajectory(torch.tensor([gradient], dtype=torch.float64), dwell)[0]) == pytest.approx(1 / fov)
    assert larmor_offset(gradient, fov) == pytest.approx(1 / dwell)
    assert 1e3 * larmor_offset(gradient, fov / n) == pytest.approx(hertz_per_pixel(n, dwell))
