"""The schedule, and a denoiser as the network epsilon: three names of one thing."""

import pytest
import torch
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler

from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian
from mrilab.sgr.diffusion import BETA, T, alpha_bar, epsilon, last_step, sigma_of


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def test_the_schedule_against_a_loop_and_monai():
    expected, left = [], 1.0
    for t in range(T):
        left *= 1 - (BETA[0] + (BETA[1] - BETA[0]) * t / (T - 1))
        expected.append(left)
    torch.testing.assert_close(alpha_bar(), torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0)
    for scheduler in (DDPMScheduler, DDIMScheduler):
        theirs = scheduler(num_train_timesteps=T, schedule="linear_beta", beta_start=BETA[0], beta_end=BETA[1])
        torch.testing.assert_close(alpha_bar().float(), theirs.alphas_cumprod, rtol=1e-4, atol=1e-7)


def test_sigma_is_the_noise_over_the_image():
    abar = alpha_bar()
    torch.testing.assert_close(sigma_of(abar), (1 - abar).sqrt() / abar.sqrt(), rtol=1e-14, atol=0)
    assert (sigma_of(abar).diff() > 0).all()
    assert float(sigma_of(abar)[0]) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("sigma_max", "expected"), [(81.7, 931), (115.1, 967), (1e9, T - 1), (0.0101, 0)])
def test_the_last_step_is_the_noisiest_that_a_network_knows(sigma_max, expected):
    t = last_step(sigma_max)
    assert t == expected
    assert sigma_of(alpha_bar()[t]) <= sigma_max
    assert t == T - 1 or sigma_of(alpha_bar()[t + 1]) > sigma_max


def test_a_network_that_knows_less_noise_than_the_first_step_is_refused():
    with pytest.raises(UserError, match="sigma 0.001 is below the first step"):
        last_step(1e-3)


@pytest.mark.parametrize("t", [0, 100, 500, 931])
def test_denoiser_epsilon_and_score_agree(t, awake, generator):
    """Of x_t = sqrt(abar) x: epsilon = -sqrt(1 - abar) score of x_t = -sigma score of x, and x_0 by Tweedie is D."""
    network = awake(Denoiser(8, 0.3).double())
    abar = float(alpha_bar()[t])
    sigma = sigma_of(torch.tensor([abar] * 2, dtype=torch.float64))
    x = randn(2, 8, 8, generator=generator) * (1 + sigma[0])

    def denoise(x, sigma):
        return network(x, torch.full((len(x),), sigma, dtype=torch.float64))

    eps = epsilon(denoise, abar**0.5 * x, abar)
    torch.testing.assert_close(eps, -sigma[0] * network.score(x, sigma), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x - sigma[0] * eps, network(x, sigma), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_of_a_gaussian_it_is_the_gradient_of_the_density_of_x_t(t, generator):
    """x_t ~ N(sqrt(abar) m, abar C + 1 - abar), whose log density autograd differentiates."""
    abar = float(alpha_bar()[t])
    variance = 0.05 + torch.rand(4, 6, dtype=torch.float64, generator=generator)
    prior = Gaussian(randn(4, 6, generator=generator), variance, "fourier")
    noised = Gaussian(abar**0.5 * prior.mean, abar * variance + 1 - abar, "fourier")
    x_t = randn(4, 6, generator=generator).requires_grad_()
    (gradient,) = torch.autograd.grad(noised.log_density(x_t), x_t)
    eps = epsilon(lambda x, sigma: x + sigma**2 * prior.score(x, sigma), x_t.detach(), abar)
    torch.testing.assert_close(eps, -((1 - abar) ** 0.5) * gradient, rtol=1e-8, atol=1e-8)
