import math

import pytest
import torch
from scipy.integrate import solve_ivp

from mrilab.physics.magnetisation import relax, rotate, spin_echo_train, spoil
from mrilab.physics.signal import gradient_echo, inversion_recovery, spin_echo

EQUILIBRIUM = torch.tensor([0, 0, 1], dtype=torch.float64)


@pytest.mark.parametrize("axis", "xyz")
def test_rotations_keep_length_and_axis_and_undo(axis, generator):
    m = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    turned = rotate(m, 37, axis)
    assert torch.allclose(turned.norm(dim=-1), m.norm(dim=-1), atol=1e-14)
    assert torch.equal(turned[:, "xyz".index(axis)], m[:, "xyz".index(axis)])
    assert torch.allclose(rotate(turned, -37, axis), m, atol=1e-14)


def test_rotations_are_right_handed_and_take_one_angle_a_spin():
    assert torch.allclose(rotate(EQUILIBRIUM, 90, "x"), torch.tensor([0, -1, 0.0], dtype=torch.float64), atol=1e-15)
    spins = torch.tensor([[1, 0, 0], [1, 0, 0.0]], dtype=torch.float64)
    turned = rotate(spins, torch.tensor([90.0, 180.0]), "z")
    assert torch.allclose(turned, torch.tensor([[0, 1, 0], [-1, 0, 0.0]], dtype=torch.float64), atol=1e-15)


def test_relaxation_and_precession_solve_the_bloch_equation(generator):
    t1, t2, pd, degrees = 900.0, 80.0, 0.8, 500.0  # off-resonance turns by `degrees` in 100 ms
    m = torch.randn(3, generator=generator, dtype=torch.float64)
    omega = math.radians(degrees) / 100

    def bloch(_, v):
        return [-omega * v[1] - v[0] / t2, omega * v[0] - v[1] / t2, (pd - v[2]) / t1]

    exact = solve_ivp(bloch, (0, 100), m.numpy(), rtol=1e-10, atol=1e-12).y[:, -1]
    ours = rotate(relax(m, 100, t1, t2, pd), degrees, "z")
    assert torch.allclose(ours, torch.from_numpy(exact), atol=1e-8)


@pytest.mark.parametrize(("t1", "t2", "tr", "te"), [(830.0, 80.0, 500.0, 10.0), (4160.0, 1700.0, 5000.0, 95.0)])
def test_echo_train_reaches_the_closed_form(t1, t2, tr, te):
    echoes = spin_echo_train(t1, t2, tr, te, pd=0.7)
    # the refocusing pulse inverts what has recovered in te/2; `spin_echo` leaves that out
    exact = 0.7 * (1 - 2 * math.exp(-(tr - te / 2) / t1) + math.exp(-tr / t1)) * math.exp(-te / t2)
    assert float(echoes[-1]) == pytest.approx(exact, rel=1e-12)
    assert float(echoes[-1]) == pytest.approx(float(spin_echo(0.7, t1, t2, tr, te)), rel=2 * te / t1)


def test_inversion_recovery_from_rotations():
    t1, t2, tr, te, ti = 830.0, 80.0, 9000.0, 20.0, 600.0
    m = EQUILIBRIUM
    for _ in range(3):
        m = spoil(rotate(m, 180, "x"))
        m = rotate(relax(m, ti, t1, t2), 90, "x")
        signal = -relax(m, te, t1, t2)[1]  # a 90x pulse turns +z to -y
        m = spoil(relax(spoil(m), tr - ti, t1, t2))
    assert float(signal) == pytest.approx(float(inversion_recovery(1.0, t1, t2, tr, te, ti)), rel=1e-9)


def test_flash_reaches_the_ernst_formula():
    t1, t2star, tr, te, flip = 830.0, 50.0, 30.0, 5.0, 20.0
    m = EQUILIBRIUM
    for _ in range(300):
        m = rotate(m, flip, "x")
        signal = -relax(m, te, t1, t2star)[1]
        m = spoil(relax(m, tr, t1, t2star))
    assert float(signal) == pytest.approx(float(gradient_echo(1.0, t1, t2star, tr, te, flip)), rel=1e-9)
