"""The likelihood, its remedy and the control."""

import pytest
import torch

from mrilab.infomri.losses import BETA, LOSSES, Posterior, beta_nll, mse, nll, variance_of


def posterior(generator, requires_grad=False):
    mean = torch.randn(2, 1, 5, 5, generator=generator, dtype=torch.float64)
    variance = torch.rand(2, 1, 5, 5, generator=generator, dtype=torch.float64) + 0.1
    return Posterior(mean.requires_grad_(requires_grad), variance.requires_grad_(requires_grad))


def test_nll_is_minus_the_log_density(generator):
    q = posterior(generator)
    x = torch.randn(2, 1, 5, 5, generator=generator, dtype=torch.float64)
    normal = torch.distributions.Normal(q.mean, q.variance.sqrt())
    expected = -normal.log_prob(x).mean() - torch.log(torch.tensor(2 * torch.pi)) / 2
    assert float(nll(q, x)) == pytest.approx(float(expected))


@pytest.mark.parametrize("loss", [nll, beta_nll])
def test_the_best_variance_is_the_mean_squared_error(loss, generator):
    error = 0.7 * torch.randn(100_000, 1, 1, 1, generator=generator, dtype=torch.float64)
    zero = torch.zeros_like(error)
    log_variance = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_variance], max_iter=50)

    def closure():
        optimizer.zero_grad()
        value = loss(Posterior(zero, log_variance.exp().expand_as(error)), error)
        value.backward()
        return value.detach()

    if loss is nll:
        optimizer.step(closure)
        assert float(log_variance.detach().exp()) == pytest.approx(float(error.square().mean()), rel=1e-4)
    else:  # its value has no minimum there, but its gradient vanishes
        log_variance.data.fill_(float(error.square().mean().log()))
        closure()
        assert abs(float(log_variance.grad)) < 1e-9


def test_beta_nll_weighs_the_gradient_and_nothing_else(generator):
    q = posterior(generator, requires_grad=True)
    x = torch.randn(2, 1, 5, 5, generator=generator, dtype=torch.float64)
    plain = torch.autograd.grad(nll(q, x), q)
    weighted = torch.autograd.grad(beta_nll(q, x), q)
    for a, b in zip(plain, weighted, strict=True):
        torch.testing.assert_close(b, a * q.variance.detach() ** BETA)


def test_mse_does_not_see_the_variance(generator):
    q = posterior(generator)
    x = torch.randn(2, 1, 5, 5, generator=generator, dtype=torch.float64)
    assert float(mse(q, x)) == pytest.approx(float((x - q.mean).square().mean()))
    assert set(LOSSES) == {"nll", "beta-nll", "mse"}


def test_variances_are_positive_and_finite():
    extreme = variance_of(torch.tensor([-1e4, 0.0, 1e4]))
    assert (extreme > 0).all() and extreme.isfinite().all()
