"""The conditional flow against dense algebra, autograd and Monte Carlo, in float64."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.flat.flow import GaussianFlow, cascade, data_step, euler, relaxations, time_grid
from mrilab.methods.exact import Gaussian, normal_matrix
from mrilab.nets.consistency import consistent
from mrilab.physics import SenseModel, normalise_maps
from mrilab.physics.noise import complex_noise

SHAPE, NOISE = (4, 5), 0.3
GRIDS = [(1, 0.0), (3, 0.0), (7, 1.0), (12, 4.0)]


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def close(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def model(generator, coils):
    maps = normalise_maps(randn(coils, *SHAPE, generator=generator))
    maps = torch.ones_like(maps) if coils == 1 else maps
    return SenseModel(maps, torch.tensor([[True, False, True, True, False]]))


def flow(generator, coils=3, s=0.8):
    root = randn(20, 20, generator=generator) / 4
    prior = Gaussian.from_covariance(randn(*SHAPE, generator=generator), root @ root.mH)
    A = model(generator, coils)
    noise = complex_noise((coils, *SHAPE), generator, torch.float64)
    y = A.forward(prior.sample(1, generator)[0]) + NOISE * noise * A.mask
    return GaussianFlow(prior, y, A, NOISE, s)


@pytest.mark.parametrize("coils", [1, 3])
@pytest.mark.parametrize("t", [0.05, 0.5, 0.97])
def test_the_denoiser_is_the_conditional_mean_of_the_joint_gaussian(coils, t, generator):
    f = flow(generator, coils)
    x = randn(2, *SHAPE, generator=generator)
    # the other way round: first y, then x_t = (1 - t) x_0 + t A^H y + t s eps, as dense matrices
    C = f.posterior.covariance()
    gain = (1 - t) * C @ torch.linalg.inv((1 - t) ** 2 * C + (t * f.s) ** 2 * torch.eye(20, dtype=torch.float64))
    surprise = (x - (1 - t) * f.posterior.mean - t * f.adjoint).flatten(1)
    expected = f.posterior.mean + (surprise @ gain.mT).unflatten(-1, SHAPE)
    close(f.denoise(x, t), expected)
    # E[x_1 - x_0 | x_t] with x_1 = (x_t - (1 - t) x_0) / t
    close(f.velocity(x, t), (x - (1 - t) * expected) / t - expected)


@pytest.mark.parametrize("coils", [1, 3])
def test_the_velocity_is_affine_in_the_conditional_score_and_not_the_score(coils, generator):
    f = flow(generator, coils)
    x = randn(2, *SHAPE, generator=generator)
    for t in (0.1, 0.6):
        close(f.velocity_from_score(x, t), f.velocity(x, t))
        score = f.law(t).score(x)
        assert (score - f.velocity(x, t)).norm() > 0.5 * score.norm()
        assert (score + f.velocity(x, t)).norm() > 0.5 * score.norm()


def test_the_law_of_the_path_is_that_of_its_draws(generator):
    f, t, count = flow(generator), 0.4, 200_000
    draws = (1 - t) * f.posterior.sample(count, generator) + t * f.start(count, generator)
    law = f.law(t)
    white = (draws - law.mean).flatten(1)
    spread = (white.mT @ white.conj()) / count / 2  # per real component
    torch.testing.assert_close(draws.mean(0), law.mean, rtol=0, atol=0.02)
    torch.testing.assert_close(spread, law.covariance(), rtol=0, atol=0.02)


def test_the_split_into_denoising_and_data(generator):
    f, t = flow(generator), 0.5
    x = randn(2, *SHAPE, generator=generator)
    close(f.denoise(x, t), f.denoise_by_evidence(x, t))


def test_the_gaussian_data_term_is_the_dense_one(generator):
    f, t = flow(generator, coils=3), 0.6
    x = randn(*SHAPE, generator=generator)
    seen = f.given_image(x, t)
    columns = f.model.forward(torch.eye(20, dtype=x.dtype).unflatten(-1, SHAPE))  # (20, coil, H, W)
    A, C = columns.flatten(1).mT, seen.covariance()
    spread = NOISE**2 * torch.eye(len(A), dtype=torch.float64) + A @ C @ A.mH
    # D = mu + C A^H (sigma^2 + A C A^H)^-1 (y - A mu)    (5); points that were not sampled have no signal in either
    expected = seen.mean.flatten() + C @ A.mH @ torch.linalg.solve(spread, f.y.flatten() - A @ seen.mean.flatten())
    sampled_only = f.y * f.model.mask
    close(sampled_only, f.y)
    close(f.denoise(x, t).flatten(), expected)


def test_one_step_of_the_gradient_is_the_whole_block_for_one_coil_only(generator):
    rho, errors = 0.7, {}
    for coils in (1, 3):
        f = flow(generator, coils)
        mu = randn(*SHAPE, generator=generator)
        weight = torch.tensor(NOISE**2 / rho**2, dtype=torch.float64)
        block = consistent(f.model, f.adjoint, mu, weight, 30)  # (6)
        step = data_step(mu, f.adjoint, f.model, rho**2 / (rho**2 + NOISE**2))  # (7)
        errors[coils] = float((step - block).norm() / block.norm())
    assert errors[1] < 1e-10
    assert errors[3] > 0.01


def test_the_block_is_exact_where_the_posterior_variance_is_isotropic(generator):
    tau, rho = 0.5, 0.4
    for coils in (1, 3):
        A = model(generator, coils)
        mean = randn(*SHAPE, generator=generator)
        prior = Gaussian(mean, torch.full(SHAPE, rho**2, dtype=torch.float64))
        y = A.forward(randn(*SHAPE, generator=generator))
        expected = prior.posterior(y, A, tau).mean
        close(consistent(A, A.adjoint(y), mean, torch.tensor(tau**2 / rho**2, dtype=torch.float64), 40), expected)


@pytest.mark.parametrize("coils", [1, 3])
def test_a_cascade_is_an_euler_step(coils, generator):
    f = flow(generator, coils)
    x, denoised = randn(2, *SHAPE, generator=generator), randn(2, *SHAPE, generator=generator)
    lambda_k, gamma = 0.3, 0.8
    step = (1 - lambda_k) * x + lambda_k * data_step(denoised, f.adjoint, f.model, gamma)
    close(cascade(x, denoised, f.adjoint, f.model, lambda_k, gamma), step, 1e-12)


@pytest.mark.parametrize(("K", "alpha"), GRIDS)
def test_euler_steps_follow_the_velocity(K, alpha, generator):
    f, t = flow(generator), time_grid(K, alpha)
    x = f.start(2, generator)
    states = euler(f.denoise, x, t)
    assert states.shape == (K + 1, *x.shape)
    for k in range(K):
        close(states[k + 1], states[k] + (t[k + 1] - t[k]) * f.velocity(states[k], float(t[k])), 1e-12)


@pytest.mark.parametrize("coils", [1, 3])
@pytest.mark.parametrize(("K", "alpha"), GRIDS)
def test_without_noise_in_the_start_euler_is_exact_on_the_ray_to_the_mean(K, alpha, coils, generator):
    f, t = flow(generator, coils, s=0.0), time_grid(K, alpha)
    states = euler(f.denoise, f.adjoint, t)
    ray = torch.stack([(1 - each) * f.posterior.mean + each * f.adjoint for each in t])
    close(states, ray)


def test_the_error_along_the_ray_is_that_of_the_law(generator):
    f, count = flow(generator, s=0.0), 100_000
    truth = f.posterior.sample(count, generator)
    for t in (1.0, 0.6, 0.0):
        state = (1 - t) * f.posterior.mean + t * f.adjoint
        measured = (state - truth).abs().square().sum((-2, -1)).mean() / 2
        assert float(measured) == pytest.approx(f.expected_error(t), rel=0.01)


def _end_covariance(f, t):
    """Of Euler's last state, from the images of unit vectors: the flow is affine in its start."""
    base = euler(f.denoise, f.adjoint, t)[-1]
    units = torch.eye(20, dtype=base.dtype).unflatten(-1, SHAPE)
    columns = (euler(f.denoise, f.adjoint + units, t)[-1] - base).flatten(1).mT
    return base, f.s**2 * columns @ columns.mH


def test_with_noise_in_the_start_the_error_falls_as_one_over_the_steps_and_few_steps_spread_too_little(generator):
    f = flow(generator, coils=1, s=0.8)
    exact, ratios, misses = f.posterior.covariance(), {}, {}
    for K in (6, 12, 50, 100, 200):
        _, covariance = _end_covariance(f, time_grid(K))
        ratios[K] = float(covariance.diagonal().real.sum() / exact.diagonal().real.sum())
        misses[K] = float((covariance - exact).norm() / exact.norm())
    assert ratios[6] < ratios[12] < ratios[50] < ratios[200] < 1
    assert ratios[6] < 0.8
    assert misses[50] / misses[100] == pytest.approx(2, rel=0.15)
    assert misses[100] / misses[200] == pytest.approx(2, rel=0.1)


def test_the_parts_of_a_grid():
    t = time_grid(12, 1.0)
    assert t[0] == 1 and t[-1] == 0 and (t.diff() < 0).all()
    close(relaxations(t), 1 - (1 - 1 / (12 - torch.arange(12.0, dtype=torch.float64))) ** 2)
    close(relaxations(time_grid(5)), 1 / torch.arange(5, 0, -1, dtype=torch.float64))
    assert relaxations(t)[-1] == 1


@pytest.mark.parametrize(("K", "alpha"), [(0, 0.0), (3, -1.0), (3, float("nan"))])
def test_an_impossible_grid_is_told(K, alpha):
    with pytest.raises(UserError, match="one step or more and alpha above -1"):
        time_grid(K, alpha)


def test_an_impossible_flow_is_told(generator):
    f = flow(generator)
    for noise_std, s in ((0.0, 1.0), (0.1, -1.0)):
        with pytest.raises(UserError, match="noise must be above 0 and s not negative"):
            GaussianFlow(f.prior, f.y, f.model, noise_std, s)


def test_the_normal_matrix_of_one_coil_is_a_projection(generator):
    A = normal_matrix(flow(generator, coils=1).model, randn(*SHAPE, generator=generator))
    close(A @ A, A)
