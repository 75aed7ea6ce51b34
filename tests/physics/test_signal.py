"""The closed forms against the Bloch equations stepped pulse by pulse."""

import math

import pytest
import torch

from mrilab.physics import gradient_echo, inversion_recovery, spin_echo

T1, T2, PD = 830.0, 80.0, 0.7


def recover(mz, milliseconds):
    return 1 + (mz - 1) * math.exp(-milliseconds / T1)


def test_spin_echo_is_the_steady_state_of_its_pulses():
    tr, te, mz = 900.0, 12.0, 1.0
    for _ in range(60):
        # 90 degrees at 0, 180 degrees at te/2: what has recovered by then is turned over
        excited, mz = mz, recover(-recover(0.0, te / 2), tr - te / 2)
    # the closed form takes te << tr: the 180 degree pulse costs about te/2 of recovery
    assert spin_echo(PD, T1, T2, tr, te).item() == pytest.approx(PD * excited * math.exp(-te / T2), rel=0.02)
    exact = 1 - 2 * math.exp(-(tr - te / 2) / T1) + math.exp(-tr / T1)
    assert excited == pytest.approx(exact, rel=1e-9)


def test_inversion_recovery_is_the_steady_state_of_its_pulses():
    tr, te, ti, mz = 2500.0, 10.0, 500.0, 1.0
    for _ in range(60):
        excited = recover(-mz, ti)
        mz = recover(0.0, tr - ti)
    expected = PD * excited * math.exp(-te / T2)
    assert inversion_recovery(PD, T1, T2, tr, te, ti).item() == pytest.approx(expected, rel=1e-9)


def test_inversion_recovery_nulls_at_t1_ln_2():
    assert abs(inversion_recovery(PD, T1, T2, 1e6, 10.0, T1 * math.log(2)).item()) < 1e-12


@pytest.mark.parametrize("flip", [5.0, 20.0, 70.0])
def test_gradient_echo_is_the_steady_state_of_its_pulses(flip):
    tr, te, mz = 30.0, 4.0, 1.0
    for _ in range(2000):
        excited, mz = mz, recover(mz * math.cos(math.radians(flip)), tr)
    expected = PD * excited * math.sin(math.radians(flip)) * math.exp(-te / T2)
    assert gradient_echo(PD, T1, T2, tr, te, flip).item() == pytest.approx(expected, rel=1e-6)


def test_gradient_echo_is_largest_at_the_ernst_angle():
    flips = torch.linspace(1, 90, 8901, dtype=torch.float64)
    signal = gradient_echo(PD, T1, T2, 30.0, 4.0, flips)
    ernst = math.degrees(math.acos(math.exp(-30.0 / T1)))
    assert flips[signal.argmax()].item() == pytest.approx(ernst, abs=0.01)


def test_tissue_maps_broadcast():
    t1 = torch.tensor([[800.0, 1300.0], [4000.0, 300.0]])
    assert spin_echo(1.0, t1, t1 / 10, 500.0, 20.0).shape == (2, 2)
