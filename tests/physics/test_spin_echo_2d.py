"""Spins stepped through a spin echo against the Fourier model, and against the model with decay and drift."""

import math

import pytest
import torch

from mrilab.errors import UserError
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.readout import read_out
from mrilab.physics.spin_echo_2d import spin_echo_kspace, spin_echo_lines

TR, TE = 400.0, 20.0


@pytest.fixture(params=[(8, 6), (7, 9)], ids=["even", "odd"])
def spins(request, generator):
    pd, t1, t2, off = torch.rand(4, *request.param, generator=generator, dtype=torch.float64)
    return pd, 300 + 900 * t1, 30 + 100 * t2, 0.2 * (off - 0.5)


def echo(pd, t1, t2):
    """The image at the echo: the closed form of `signal.spin_echo` with what recovers before the refocusing pulse."""
    return pd * (1 - 2 * torch.exp(-(TR - TE / 2) / t1) + torch.exp(-TR / t1)) * torch.exp(-TE / t2)


def test_an_instantaneous_readout_is_the_fourier_transform(spins):
    pd, t1, t2, off = spins
    y = spin_echo_kspace(pd, t1, t2, TR, TE, 1e-9, off, dummies=1)
    assert torch.allclose(y, fft2c(echo(pd, t1, t2).to(torch.complex128)), atol=1e-9)


def test_decay_and_drift_during_the_readout(spins):
    pd, t1, t2, off = spins
    y = spin_echo_kspace(pd, t1, t2, TR, TE, 0.9, off, dummies=1)
    assert torch.allclose(y, read_out(echo(pd, t1, t2), 0.9, t2, off), atol=1e-12)
    assert not torch.allclose(y, fft2c(echo(pd, t1, t2).to(torch.complex128)), atol=1e-3)


def test_without_dummies_the_first_line_is_brighter(spins):
    pd, t1, t2, _ = spins
    lines = [*spin_echo_lines(pd, t1, t2, TR, TE, 0.1, dummies=0)]
    steady = spin_echo_kspace(pd, t1, t2, TR, TE, 0.1)
    assert lines[0].norm() > 1.05 * steady[:, 0].norm()
    assert torch.allclose(lines[2], steady[:, 2], atol=1e-12)


def test_read_out_is_the_transform_where_nothing_changes(spins):
    x = torch.complex(spins[0], spins[3])
    assert torch.allclose(read_out(x, 0.5), fft2c(x), atol=1e-12)


def test_off_resonance_shifts_by_hertz_over_hertz_per_pixel(spins):
    x = spins[0].to(torch.complex128)
    n, dwell = x.shape[0], 0.25
    one_pixel = 1 / (n * dwell)  # kHz
    # a phase exp(-2 pi i nu t) at k = t / (n dwell) is a shift towards larger rows
    assert torch.allclose(ifft2c(read_out(x, dwell, off_resonance=2 * one_pixel)), x.roll(2, 0), atol=1e-12)


def test_decay_is_a_filter_where_all_decay_alike(spins):
    x = spins[0].to(torch.complex128)
    t = (torch.arange(x.shape[0], dtype=torch.float64) - x.shape[0] // 2) * 0.5
    assert torch.allclose(read_out(x, 0.5, t2=40.0), fft2c(x) * torch.exp(-t / 40)[:, None], atol=1e-12)


def test_times_that_do_not_fit_are_refused():
    pd = torch.ones(8, 8)
    with pytest.raises(UserError, match="lengthen TE"):
        spin_echo_kspace(pd, 800.0, 80.0, TR, TE, 3.0)
    with pytest.raises(UserError, match="lengthen TR"):
        spin_echo_kspace(pd, 800.0, 80.0, 21.0, TE, 1.0)


def test_energy_is_that_of_the_image(spins):
    pd, t1, t2, _ = spins
    y = spin_echo_kspace(pd, t1, t2, TR, TE, 1e-9)
    assert float(y.abs().square().sum()) == pytest.approx(float(echo(pd, t1, t2).square().sum()), rel=1e-8)
    centre = tuple(n // 2 for n in pd.shape)
    assert y[centre].real.item() == pytest.approx(float(echo(pd, t1, t2).sum()) / math.sqrt(pd.numel()), rel=1e-8)
