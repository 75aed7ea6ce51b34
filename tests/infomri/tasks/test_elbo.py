"""The bound (19) against models whose likelihood is known."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from mrilab.infomri.tasks.elbo import Terms, Weights, answer_nll, weighted
from mrilab.infomri.tasks.gaussian import Diagonal, from_channels, kl


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


def gaussian(generator, *shape):
    return Diagonal(*(torch.randn(2, *shape, generator=generator, dtype=torch.float64)))


def as_normal(each):
    return Normal(each.mean, (each.log_variance / 2).exp())


def test_kl_is_that_of_torch_and_of_monte_carlo(generator):
    q, p = gaussian(generator, 3, 4, 2, 2), gaussian(generator, 3, 4, 2, 2)
    exact = kl(q, p)
    torch.testing.assert_close(exact, kl_divergence(as_normal(q), as_normal(p)).sum((1, 2, 3)))
    w = q.sample(100_000, generator)
    drawn = (as_normal(q).log_prob(w) - as_normal(p).log_prob(w)).sum((2, 3, 4))  # (draws, n)
    assert ((drawn.mean(0) - exact).abs() < 4 * drawn.std(0) / math.sqrt(len(drawn))).all()
    assert kl(q, q).abs().max() < 1e-12


def test_samples_have_mean_and_variance_and_a_gradient(generator):
    q = Diagonal(*(each.requires_grad_() for each in gaussian(generator, 2, 3)))
    w = q.sample(200_000, generator)
    torch.testing.assert_close(w.mean(0), q.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(w.var(0), q.log_variance.exp(), atol=0, rtol=0.02)
    w.sum().backward()
    assert (q.mean.grad == 200_000).all() and q.log_variance.grad is not None


def test_channels_are_means_then_variances():
    out = torch.arange(8.0).reshape(1, 4, 1, 2)
    found = from_channels(out)
    assert found.mean.flatten().tolist() == [0, 1, 2, 3] and found.log_variance.flatten().tolist() == [4, 5, 6, 7]
    assert from_channels(torch.tensor([[0.0, 99.0]])).log_variance.max() == 10


def test_bound_of_a_linear_gaussian_model_is_its_likelihood_for_the_true_posterior(generator):
    # w ~ N(0, 1) in two numbers, z = B w + noise; the posterior of w given z is diagonal if the columns of B are at
    # right angles, so that a diagonal Gaussian can be exact
    sigma, scales = 0.3, torch.tensor([1.5, 0.7], dtype=torch.float64)
    B = torch.linalg.qr(torch.randn(4, 2, generator=generator, dtype=torch.float64)).Q * scales  # (4, 2)
    z = torch.randn(4, generator=generator, dtype=torch.float64)
    exact = MultivariateNormal(torch.zeros(4).double(), B @ B.T + sigma**2 * torch.eye(4).double()).log_prob(z)
    variance = 1 / (1 + scales**2 / sigma**2)
    true = Diagonal((variance * (B.T @ z) / sigma**2)[None], variance.log()[None])
    prior = Diagonal(torch.zeros(1, 2).double(), torch.zeros(1, 2).double())

    def bound(q):  # E_q log q(z | w) - D_KL(q || prior), the expectation in closed form
        mean, spread = B @ q.mean[0], (B.square() @ q.log_variance[0].exp()).sum()
        squares = (z - mean).square().sum() + spread
        return -squares / (2 * sigma**2) - 2 * math.log(2 * math.pi * sigma**2) - kl(q, prior)[0]

    torch.testing.assert_close(bound(true), exact)
    for shift in (0.1, -0.2):
        assert bound(Diagonal(true.mean + shift, true.log_variance)) < exact
        assert bound(Diagonal(true.mean, true.log_variance + shift)) < exact


def test_answers_likelihood_is_that_of_independent_pixels():
    logits, z = torch.tensor([[[0.0, 2.0], [-1.0, 5.0]]]), torch.tensor([[[1, 0], [0, 1]]])
    p = torch.sigmoid(logits)
    expected = -(p[0, 0, 0].log() + (1 - p[0, 0, 1]).log() + (1 - p[0, 1, 0]).log() + p[0, 1, 1].log())
    torch.testing.assert_close(answer_nll(logits, z), expected[None])


def test_weight_of_the_kl_rises_in_the_beginning():
    found = Terms(torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0))
    values = [float(weighted(found, Weights(1, 10, 0.1, 0.5), at)) for at in (0.0, 0.25, 0.5, 1.0)]
    assert values == pytest.approx([2.5, 17.5, 32.5, 32.5])
    assert float(weighted(found, Weights(1, 10, 0.1, 0.0), 0.0)) == pytest.approx(32.5)
