import math

import pytest
import torch
from scipy.integrate import solve_ivp

from mrilab.physics.bloch import offset_field, precess, record
from mrilab.physics.magnetisation import relax, rotate


def test_precession_solves_dm_dt_is_gamma_m_cross_b(generator):
    m, field = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    turned = precess(m, field, 1.7)

    def bloch(spin):
        b = 2 * math.pi * field[spin].numpy()
        return lambda _, v: [v[1] * b[2] - v[2] * b[1], v[2] * b[0] - v[0] * b[2], v[0] * b[1] - v[1] * b[0]]

    for spin in range(5):
        exact = solve_ivp(bloch(spin), (0, 1.7), m[spin].numpy(), rtol=1e-10, atol=1e-12).y[:, -1]
        assert torch.allclose(turned[spin], torch.from_numpy(exact), atol=1e-7)


@pytest.mark.parametrize(("axis", "unit"), [("x", [1, 0, 0]), ("y", [0, 1, 0]), ("z", [0, 0, 1])])
def test_precession_is_left_handed(axis, unit, generator):
    m = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    field = 0.3 * torch.tensor(unit, dtype=torch.float64)
    assert torch.allclose(precess(m, field, 0.5), rotate(m, -360 * 0.15, axis), atol=1e-14)


def test_without_a_field_nothing_turns(generator):
    m = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    assert torch.equal(precess(m, torch.zeros(3, dtype=torch.float64), 10.0), m)


def test_a_recorded_decay_is_the_closed_form():
    offset = torch.tensor([0.05, -0.02, 0.01], dtype=torch.float64)  # kHz
    t1, t2 = torch.tensor([900.0, 500.0, 300.0]), torch.tensor([80.0, 40.0, 20.0])
    pd = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    m = pd[:, None] * torch.tensor([1.0, 0, 0], dtype=torch.float64)
    signal, last = record(m, [offset_field(offset)] * 50, 0.4, t1, t2, pd)
    t = 0.4 * torch.arange(50, dtype=torch.float64)[:, None]
    exact = (pd * torch.exp((-2j * torch.pi * offset - 1 / t2.double()) * t)).sum(1)
    assert torch.allclose(signal, exact, atol=1e-12)
    assert torch.allclose(last[:, 2], pd * (1 - torch.exp(-20 / t1.double())), atol=1e-12)


def test_relaxation_takes_one_time_a_spin(generator):
    m = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    t1, t2, pd = torch.tensor([900.0, 300.0]), torch.tensor([80.0, 20.0]), torch.tensor([1.0, 0.4])
    together = relax(m, 7.0, t1, t2, pd)
    apart = [relax(m[i], 7.0, float(t1[i]), float(t2[i]), float(pd[i])) for i in range(2)]
    assert torch.allclose(together, torch.stack(apart), atol=1e-15)
