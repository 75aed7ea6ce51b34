"""The flow frequency by frequency against the dense one."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.flat.flow import GaussianFlow, euler, time_grid
from mrilab.flat.spectrum import RULES, SpectralFlow, power_law
from mrilab.methods.exact import Gaussian
from mrilab.physics import SenseModel, fft2c, ifft2c, random_mask
from mrilab.physics.noise import complex_noise

SHAPE, NOISE = (4, 16), 0.2


@pytest.fixture
def both(generator):
    """A function of s: (dense flow, the same by frequencies)."""
    variance, mask = power_law(SHAPE), random_mask(SHAPE, 2, acs=4, generator=generator)
    prior = Gaussian(torch.zeros(SHAPE, dtype=torch.complex128), variance, "fourier")
    model = SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex128), mask)
    noise = complex_noise((1, *SHAPE), generator, torch.float64)
    y = model.forward(prior.sample(1, generator)[0]) + NOISE * noise * mask

    def make(s):
        spectral = SpectralFlow(variance, mask.expand(SHAPE), y[0], NOISE, s)
        return GaussianFlow(prior, y, model, NOISE, s), spectral

    return make


@pytest.mark.parametrize(("s", "K", "alpha"), [(0.0, 4, 0.0), (0.7, 6, 1.0), (2.0, 3, 2.0)])
def test_the_exact_rule_is_the_dense_flow(s, K, alpha, both, generator):
    dense, spectral = both(s)
    eps = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=generator)
    states = spectral.states(K, alpha, "exact", fft2c(eps))
    expected = euler(dense.denoise, dense.adjoint + s * eps, time_grid(K, alpha))
    torch.testing.assert_close(ifft2c(states), expected, rtol=1e-9, atol=1e-9)


def test_gain_and_spread_are_those_of_the_posterior(both):
    dense, spectral = both(0.5)
    torch.testing.assert_close(ifft2c(spectral.gain * spectral.y), dense.posterior.mean)
    assert float(spectral.posterior_variance.sum()) == pytest.approx(float(dense.posterior.variance.sum()))


def test_every_rule_runs_and_only_the_exact_one_ends_at_the_mean_without_noise(both):
    _, spectral = both(0.0)
    mean, misses = spectral.gain * spectral.y, {}
    for rule in RULES:
        end = spectral.states(12, 1.0, rule, torch.zeros(SHAPE, dtype=torch.complex128))[-1]
        misses[rule] = float((end - mean).norm() / mean.norm())
    assert misses["exact"] < 1e-12
    assert all(0.005 < misses[rule] for rule in RULES[1:]), misses


def test_the_power_law_falls_from_one():
    variance = power_law((9, 8))
    assert variance[4, 4] == 1 == variance.max() and variance[0, 4] < variance[2, 4] < 1


def test_an_unknown_rule_is_told(both):
    with pytest.raises(UserError, match="unknown rule 'mine'; choose one of exact, derived"):
        both(0.0)[1].states(3, 0.0, "mine", torch.zeros(SHAPE, dtype=torch.complex128))
