"""The exact priors against autograd, dense algebra, numerical integration and their own draws."""

import math

import pytest
import torch

from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian, MatrixModel, Mixture, normal_matrix
from mrilab.physics import SenseModel, normalise_maps

SHAPE = (4, 5)


def randn(*shape, generator, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=generator)


def gaussian(basis, generator, dtype=torch.complex128):
    mean = randn(*SHAPE, generator=generator, dtype=dtype)
    if basis == "full":
        root = randn(20, 20, generator=generator, dtype=dtype) / 4
        return Gaussian.from_covariance(mean, root @ root.mH)
    return Gaussian(mean, 0.2 + torch.rand(*SHAPE, dtype=torch.float64, generator=generator), basis)


def sense(generator, coils=3):
    maps = normalise_maps(randn(coils, *SHAPE, generator=generator))
    return SenseModel(maps, torch.tensor([[True, False, True, True, False]]))


def noisy(model, x, noise_std, generator):
    y = model.forward(x)
    noise = torch.view_as_complex(noise_std * randn(*y.shape, 2, generator=generator, dtype=torch.float64))
    return y + noise * model.mask[..., None, :, :]


def gradient(log_density, x):
    """With respect to (Re, Im): what autograd calls the gradient of a real function of a complex number."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(log_density(x).sum(), x)[0]


@pytest.mark.parametrize("basis", ["image", "fourier", "full"])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
def test_the_score_is_the_gradient_of_the_log_density(basis, sigma, generator):
    prior = gaussian(basis, generator)
    x = randn(3, *SHAPE, generator=generator)
    torch.testing.assert_close(prior.score(x, sigma), gradient(lambda x: prior.log_density(x, sigma), x))
    mixture = Mixture(torch.tensor([0.2, 0.8], dtype=torch.float64), [prior, gaussian("image", generator)])
    torch.testing.assert_close(mixture.score(x, sigma), gradient(lambda x: mixture.log_density(x, sigma), x))


@pytest.mark.parametrize("basis", ["image", "full"])
def test_densities_agree_with_torch_distributions(basis, generator):
    prior = gaussian(basis, generator, torch.float64)
    x = randn(3, *SHAPE, generator=generator, dtype=torch.float64)
    peer = torch.distributions.MultivariateNormal(prior.mean.flatten(), prior.covariance(0.5))
    torch.testing.assert_close(prior.log_density(x, 0.5), peer.log_prob(x.flatten(1)))


def test_a_complex_density_counts_both_components(generator):
    prior = gaussian("image", generator)
    x = randn(*SHAPE, generator=generator)
    parts = [torch.distributions.Normal(getattr(prior.mean, p), prior.variance.sqrt()) for p in ("real", "imag")]
    expected = parts[0].log_prob(x.real).sum() + parts[1].log_prob(x.imag).sum()
    torch.testing.assert_close(prior.log_density(x), expected)


@pytest.mark.parametrize("basis", ["image", "fourier", "full"])
def test_draws_have_the_covariance_that_is_stated_per_real_component(basis, generator):
    prior = gaussian(basis, generator)
    draws = (prior.sample(40_000, generator, sigma=0.3) - prior.mean).flatten(1)  # (n, 20)
    measured = draws.mT @ draws.conj() / len(draws) / 2
    expected = prior.covariance(0.3)
    assert (measured - expected).norm() < 0.04 * expected.norm()
    assert (draws.mT @ draws).norm() / len(draws) / 2 < 0.04 * expected.norm()  # circular: no pseudo-covariance


@pytest.mark.parametrize("basis", ["image", "fourier", "full"])
def test_the_posterior_score_is_prior_score_plus_likelihood_score(basis, generator):
    prior, model, noise_std, sigma = gaussian(basis, generator), sense(generator), 0.4, 0.25
    y = noisy(model, prior.mean, noise_std, generator)
    posterior = prior.posterior(y, model, noise_std, sigma)
    x = randn(3, *SHAPE, generator=generator)
    expected = prior.score(x, sigma) + (model.adjoint(y) - model.normal(x)) / noise_std**2
    torch.testing.assert_close(posterior.score(x), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("coils", [1, 3])
def test_log_evidence_is_bayes_rule(coils, generator):
    """log p(x) + log p(y|x) - log p(x|y) is the same for every x, and is what log_evidence says up to a constant."""
    model, noise_std, sigma = sense(generator, coils), 0.4, 0.25
    x = randn(3, *SHAPE, generator=generator)
    y = noisy(model, x[0], noise_std, generator)
    offsets = []
    for prior in (gaussian("fourier", generator), gaussian("full", generator)):
        likelihood = -(model.forward(x) - y).abs().square().sum((-3, -2, -1)) / (2 * noise_std**2)
        bayes = prior.log_density(x, sigma) + likelihood - prior.posterior(y, model, noise_std, sigma).log_density(x)
        torch.testing.assert_close(bayes, bayes[:1].expand(3))
        offsets.append(float(bayes[0] - prior.log_evidence(y, model, noise_std, sigma)))
    assert offsets[0] == pytest.approx(offsets[1], abs=1e-8)


def test_a_mixture_posterior_in_one_dimension_agrees_with_integration():
    def point(value):
        return torch.tensor([[value]], dtype=torch.float64)

    parts = [Gaussian(point(-1.0), point(0.09)), Gaussian(point(1.5), point(0.25))]
    mixture = Mixture(torch.tensor([0.3, 0.7], dtype=torch.float64), parts)
    model, y = MatrixModel(point(0.8)), point(0.1)
    x = torch.linspace(-8, 8, 16_001, dtype=torch.float64)[:, None, None]
    product = mixture.log_density(x, 0.2) - (y - 0.8 * x).square().flatten() / (2 * 0.6**2)
    expected = product.exp() / torch.trapezoid(product.exp(), x.flatten())
    posterior = mixture.posterior(y, model, 0.6, 0.2)
    torch.testing.assert_close(posterior.log_density(x).exp(), expected, atol=1e-9, rtol=1e-7)
    draws = posterior.sample(50_000, torch.Generator().manual_seed(0)).flatten()
    mean = torch.trapezoid(x.flatten() * expected, x.flatten())
    assert float(draws.mean() - mean) == pytest.approx(0, abs=5 * float(draws.std()) / math.sqrt(50_000))


def test_a_batch_of_data_gives_a_batch_of_posteriors(generator):
    model = sense(generator)
    parts = [gaussian("fourier", generator), gaussian("image", generator)]
    mixture = Mixture(torch.tensor([0.5, 0.5], dtype=torch.float64), parts)
    y = noisy(model, mixture.sample(4, generator), 1.0, generator)
    together = mixture.posterior(y, model, 1.0)
    x = randn(4, *SHAPE, generator=generator)
    for n in range(4):
        alone = mixture.posterior(y[n], model, 1.0)
        torch.testing.assert_close(together.weights[n], alone.weights)
        torch.testing.assert_close(together.score(x)[n], alone.score(x[n]))


def test_the_matrix_model_has_an_adjoint(generator):
    model = MatrixModel(randn(3, 5, generator=generator))
    x, y = randn(1, 5, generator=generator), randn(1, 3, generator=generator)
    torch.testing.assert_close(
        torch.vdot(model.forward(x)[0], y[0]), torch.vdot(x[0], model.adjoint(y)[0]), atol=1e-12, rtol=0
    )
    torch.testing.assert_close(normal_matrix(model, x), model.matrix.mH @ model.matrix)


def test_what_makes_no_sense_is_refused(generator):
    with pytest.raises(UserError, match="must not be negative"):
        Gaussian(torch.zeros(2, 2), -torch.ones(2, 2))
    with pytest.raises(UserError, match="unknown basis"):
        Gaussian(torch.zeros(2, 2), torch.ones(2, 2), "wavelet")
    with pytest.raises(UserError, match="as many weights"):
        Mixture(torch.ones(3), [gaussian("image", generator)])
