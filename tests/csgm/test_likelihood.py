"""Stand-ins for p(y | x_t), held against priors whose posterior is known exactly."""

import math

import pytest
import torch

from mrilab.csgm.levels import geometric_levels
from mrilab.csgm.likelihood import conditional_score, reverse_diffusion, split_gibbs
from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian, MatrixModel, Mixture, normal_matrix
from mrilab.physics import SenseModel, complex_noise, normalise_maps

SIDE, NOISE, VARIANCE, SIGMA = 6, 0.3, 0.7, 0.5


@pytest.fixture
def scan(generator):
    """(A, y) of a random image, three coils and every second line."""
    maps = normalise_maps(complex_noise((3, SIDE, SIDE), generator, torch.float64))
    model = SenseModel(maps, (torch.arange(SIDE) % 2 == 0)[None])
    truth = complex_noise((SIDE, SIDE), generator, torch.float64)
    noise = NOISE * complex_noise((3, SIDE, SIDE), generator, torch.float64)
    return model, model.forward(truth) + noise * model.mask


def denoiser(prior):
    return lambda x, sigma: x + sigma**2 * prior.score(x, sigma)


def white():
    return Gaussian(torch.zeros(SIDE, SIDE, dtype=torch.complex128), torch.full((SIDE, SIDE), VARIANCE).double())


@pytest.mark.parametrize("choice", ["pigdm", "decoupled"])
def test_for_a_white_gaussian_prior_the_covariance_makes_it_exact(choice, scan, generator):
    model, y = scan
    x = complex_noise((2, SIDE, SIDE), generator, torch.float64)
    exact = white().posterior(y, model, NOISE).score(x, SIGMA)
    score = conditional_score(
        choice, denoiser(white()), y, model, noise_std=NOISE, variance=VARIANCE, iterations=SIDE**2
    )
    torch.testing.assert_close(score(x, SIGMA), exact, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("choice", ["langevin", "dps"])
def test_without_it_the_score_is_another(choice, scan, generator):
    model, y = scan
    x = complex_noise((SIDE, SIDE), generator, torch.float64)
    exact = white().posterior(y, model, NOISE).score(x, SIGMA)
    score = conditional_score(choice, denoiser(white()), y, model, noise_std=NOISE, variance=VARIANCE)(x, SIGMA)
    assert (score - exact).norm() > 0.1 * exact.norm()


def test_gradients_pass_through_the_denoiser_as_the_formula_says(scan, generator):
    model, y = scan
    variance = 0.1 + torch.rand(SIDE, SIDE, dtype=torch.float64, generator=generator)
    prior = Gaussian(complex_noise((SIDE, SIDE), generator, torch.float64), variance, "fourier")
    x = complex_noise((SIDE, SIDE), generator, torch.float64)
    D = denoiser(prior)(x, SIGMA)
    J = prior.covariance() @ torch.linalg.inv(prior.covariance(SIGMA))
    gradient = J.mH @ model.adjoint(y - model.forward(D)).flatten() / NOISE**2  # (15) with C = 0
    score = conditional_score("dps", denoiser(prior), y, model, noise_std=NOISE, variance=VARIANCE)(x, SIGMA)
    torch.testing.assert_close(score - prior.score(x, SIGMA), gradient.unflatten(0, (SIDE, SIDE)))


def test_equation_4_takes_the_noisy_image_itself(scan, generator):
    model, y = scan
    x = complex_noise((SIDE, SIDE), generator, torch.float64)
    score = conditional_score(
        "langevin", denoiser(white()), y, model, noise_std=NOISE, variance=VARIANCE, gamma_ratio=0.8
    )
    expected = white().score(x, SIGMA) + model.adjoint(y - model.forward(x)) / ((0.8 * SIGMA) ** 2 + NOISE**2)
    torch.testing.assert_close(score(x, SIGMA), expected)


@pytest.fixture
def toy():
    """(prior, y, A, noise, weight of the left mode): one number of two modes, measured with noise."""
    numbers = [torch.tensor([[value]], dtype=torch.float64) for value in (-2.0, 0.09, 2.0, 0.04)]
    prior = Mixture(torch.tensor([0.2, 0.8]).double(), [Gaussian(*numbers[:2]), Gaussian(*numbers[2:])])
    y, model = torch.tensor([[-0.3]], dtype=torch.float64), MatrixModel(torch.ones(1, 1, dtype=torch.float64))
    return prior, y, model, 0.8, float(prior.posterior(y, model, 0.8).weights[0])


def left(x):
    return float((x < 0).double().mean())


def test_the_exact_score_leads_to_the_posterior_and_each_stand_in_elsewhere(toy, generator):
    prior, y, model, noise_std, weight = toy
    levels, start = geometric_levels(20.0, 0.02, 150), torch.zeros(4000, 1, 1, dtype=torch.float64)
    start = start + 20 * torch.randn(start.shape, dtype=torch.float64, generator=generator)
    exact = reverse_diffusion(prior.posterior(y, model, noise_std).score, start, levels, generator)
    assert left(exact) == pytest.approx(weight, abs=0.03)  # four deviations of a share of 4000
    for choice in ("langevin", "dps", "pigdm", "decoupled"):
        score = conditional_score(choice, denoiser(prior), y, model, noise_std=noise_std, variance=2.6)
        assert abs(left(reverse_diffusion(score, start, levels, generator)) - weight) > 0.05, choice


def test_the_reverse_diffusion_has_the_moments_of_a_gaussian(generator):
    prior = Gaussian(torch.full((1, 1), 0.5 - 0.2j, dtype=torch.complex128), torch.full((1, 1), 0.3).double())
    start = 10 * complex_noise((20_000, 1, 1), generator, torch.float64)
    x = reverse_diffusion(prior.score, start, geometric_levels(10.0, 0.01, 200), generator)
    assert abs(complex(x.mean()) - (0.5 - 0.2j)) < 0.02
    assert float(torch.view_as_real(x).var((0, 1, 2)).mean()) == pytest.approx(0.3, rel=0.04)


def test_split_gibbs_draws_from_the_posterior_of_a_gaussian(scan, generator):
    model, y = scan
    exact = white().posterior(y, model, NOISE)
    z = complex_noise((400, SIDE, SIDE), generator, torch.float64)
    rhos = torch.tensor([0.4, 0.2, 0.1, 0.05])
    z = split_gibbs(
        white().score, y, model, z, rhos, generator, noise_std=NOISE, smallest=0.005, sweeps=40, iterations=SIDE**2
    )
    assert float((z.mean(0) - exact.mean).norm() / exact.mean.norm()) < 0.15
    spread = torch.view_as_real(z).var(0).mean(-1).sqrt()
    expected = exact.covariance().diagonal().real.sqrt().unflatten(0, (SIDE, SIDE))
    assert float(spread.mean() / expected.mean()) == pytest.approx(1, abs=0.05)
    assert normal_matrix(model, z[0]).diagonal().real.min() < 0.5  # some pixels are hardly measured


def test_more_sweeps_bring_split_gibbs_nearer(toy, generator):
    prior, y, model, noise_std, weight = toy
    z = 2 * torch.randn(1000, 1, 1, dtype=torch.float64, generator=generator)
    rhos = torch.logspace(1, math.log10(0.5), 10)
    shares = [
        left(split_gibbs(prior.score, y, model, z, rhos, generator, noise_std=noise_std, smallest=0.05, sweeps=n))
        for n in (1, 30)
    ]
    assert abs(shares[1] - weight) < abs(shares[0] - weight) - 0.02


@pytest.mark.parametrize("choice, noise_std, sentence", [("best", 1.0, "unknown stand-in"), ("dps", 0.0, "above 0")])
def test_what_cannot_be_is_refused(choice, noise_std, sentence, toy):
    prior, y, model, *_ = toy
    with pytest.raises(UserError, match=sentence):
        conditional_score(choice, denoiser(prior), y, model, noise_std=noise_std, variance=1.0)
