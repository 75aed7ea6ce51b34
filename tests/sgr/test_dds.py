"""The chain of (4) to (6): against sigma coordinates, MONAI, and the exact posterior of a Gaussian."""

from itertools import pairwise

import pytest
import torch
from monai.networks.schedulers import DDIMScheduler

from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian, MatrixModel
from mrilab.nets.consistency import consistent
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise
from mrilab.sgr.dds import Chain, run_chain, time_grid
from mrilab.sgr.diffusion import alpha_bar, sigma_of

SHAPE, SPREAD, NOISE = (6, 8), 0.5, 0.1


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def drawn(count, generator):
    """The noise of a chain, which is drawn in float32."""
    return complex_noise((count, *SHAPE), generator).to(torch.complex128)


def scan(generator, coils=1, batch=()):
    """A model of `coils` coils with maps of unit norm, and A^H y of random k-space y."""
    maps = normalise_maps(randn(*batch, coils, *SHAPE, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2, acs=2))
    y = model.forward(randn(*batch, *SHAPE, generator=generator))
    return model, y, model.adjoint(y)


def linear(x, sigma):
    """The denoiser of white Gaussian images."""
    return SPREAD**2 / (SPREAD**2 + sigma**2) * x


def no_data(shape, denoise, **settings):
    """A chain whose data step changes nothing: no data were taken."""
    model = MatrixModel(torch.zeros(1, shape[-1], dtype=torch.complex128))
    nothing = torch.zeros(shape, dtype=torch.complex128)
    return Chain(denoise, nothing, model, SPREAD, data="released", last="released", **settings)


@pytest.mark.parametrize("split", ["ddim", "constant"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["geometric", "uniform"])
def test_a_chain_in_x_t_is_the_same_in_sigma_coordinates(kind, eta, split, generator):
    model, _, adjoint = scan(generator)
    chain = Chain(linear, adjoint, model, SPREAD, NOISE, last="proximal", eta=eta, split=split)
    grid = time_grid(kind, 12, 1.2, 0.01, 20.0)
    made = run_chain(chain, grid, 3, torch.Generator().manual_seed(4))

    draw = torch.Generator().manual_seed(4)
    sigmas = sigma_of(grid).tolist()
    x = adjoint + sigmas[0] * drawn(3, draw)
    for sigma, then in pairwise([*sigmas, 0.0]):
        mu = linear(x, sigma)
        n = (x - mu) / sigma
        weight = NOISE**2 * (sigma**2 + SPREAD**2) / (sigma * SPREAD) ** 2
        x = consistent(model, adjoint, mu, torch.tensor(weight, dtype=torch.float64), chain.iterations)
        if then:
            anew = eta * then * ((1 - then**2 / sigma**2) ** 0.5 if split == "ddim" else 1)
            x = x + abs(then**2 - anew**2) ** 0.5 * n + anew * drawn(3, draw)
    torch.testing.assert_close(made, x, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_step_without_data_is_monais(eta, generator):
    scheduler = DDIMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=False)
    scheduler.set_timesteps(10)
    scheduler.alphas_cumprod = alpha_bar()  # theirs has float32
    chain = no_data(SHAPE, linear, eta=eta)
    for t in (900, 500, 100):
        x_t = randn(2, *SHAPE, generator=generator)
        abar, before = float(alpha_bar()[t]), float(alpha_bar()[t - 100])
        eps, x0 = chain.unguided(x_t, abar)
        expected, clean = scheduler.step(eps, t, x_t, eta=eta, generator=torch.Generator().manual_seed(1))
        noise = randn(2, *SHAPE, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(x0, clean, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(chain.previous(x0, eps, noise, abar, before), expected, rtol=1e-10, atol=1e-10)


def test_without_epsilon_all_noise_is_new(generator):
    """DDS's split with eta = 1, where nothing of epsilon is left, and guidance can do nothing."""
    chain = no_data(SHAPE, linear, eta=1.0, split="constant")
    x0, eps, noise = (randn(1, *SHAPE, generator=generator) for _ in range(3))
    for abar, before in pairwise(time_grid("geometric", 30, 1.2, 0.01, 20.0).tolist()):
        made = chain.previous(x0, eps, noise, abar, before)
        assert torch.equal(made, chain.previous(x0, 5 * eps, noise, abar, before))
        torch.testing.assert_close(made, before**0.5 * x0 + (1 - before) ** 0.5 * noise)


def moments(chain, grid):
    """Mean (N,) and covariance (N, N) per real component of the chain's draws, exactly: each step is affine in x_t."""
    n = chain.adjoint.shape[-1]
    unit = torch.eye(n, dtype=torch.complex128)[:, None]  # (N, 1, N)
    mean = grid[0] ** 0.5 * chain.adjoint[0]
    covariance = (1 - grid[0]) * torch.eye(n, dtype=torch.complex128)
    for abar, before in pairwise([*grid.tolist(), 1.0]):

        def step(x, abar=abar, before=before):
            eps, x0 = chain.unguided(x, abar, last=before == 1)
            return x0 if before == 1 else chain.previous(x0, eps, torch.zeros_like(x), abar, before)

        rest = step(0 * unit)[0, 0]
        matrix = step(unit)[:, 0].mT - rest[:, None]  # (N, N)
        new = 0.0 if before == 1 else chain.eta * ((1 - before) / (1 - abar) * (1 - abar / before)) ** 0.5
        mean = matrix @ mean + rest
        covariance = matrix @ covariance @ matrix.mH + new**2 * torch.eye(n)
    return mean, covariance


@pytest.fixture
def gaussian(generator):
    """A Gaussian of 6 correlated components, seen by 3 noisy products: prior, posterior."""
    root = randn(6, 6, generator=generator) / 6**0.5
    prior = Gaussian.from_covariance(randn(1, 6, generator=generator), root @ root.mH + 0.05 * torch.eye(6))
    model = MatrixModel(randn(3, 6, generator=generator))
    y = model.forward(prior.sample(1, generator)[0]) + 0.3 * complex_noise((1, 3), generator, torch.float64)
    return prior, prior.posterior(y, model, 0.3)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_with_exact_conditional_means_it_tends_to_the_exact_posterior(eta, gaussian, generator):
    prior, exact = gaussian
    chain = no_data((1, 6), lambda x, sigma: x + sigma**2 * exact.score(x, sigma), eta=eta)
    covariance = exact.covariance()
    assert (covariance - prior.covariance()).norm() > 0.5 * covariance.norm()  # the data matter
    errors = []
    for steps in (20, 80, 320, 1280):
        mean, made = moments(chain, time_grid("geometric", steps, 4000.0, 1e-4, 1e4))
        torch.testing.assert_close(mean, exact.mean[0], rtol=0, atol=1e-3)
        errors.append(float((made - covariance).norm() / covariance.norm()))
    assert all(then < 0.4 * before for before, then in pairwise(errors))
    assert errors[-1] < 0.02
    # what is drawn has the moments that were computed
    grid = time_grid("geometric", 20, 4000.0, 1e-4, 1e4)
    draws = run_chain(chain, grid, 20_000, generator)[:, 0]  # (20000, 6)
    mean, made = moments(chain, grid)
    torch.testing.assert_close(draws.mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(draws.mT.cov() / 2, made, rtol=0, atol=0.03)


def test_groups_share_start_and_noise(generator):
    model, _, adjoint = scan(generator, coils=2)
    chain, grid = Chain(linear, adjoint, model, SPREAD), time_grid("geometric", 5, 1.2, 0.01, 20.0)
    made = run_chain(chain, grid, 2, torch.Generator().manual_seed(1), groups=3).unflatten(0, (3, 2))
    alone = run_chain(chain, grid, 2, torch.Generator().manual_seed(1))
    torch.testing.assert_close(made, alone.expand(3, 2, *SHAPE))
    assert (alone[0] - alone[1]).abs().max() > 0.01


def test_the_guide_adds_to_epsilon_in_all_steps_but_the_last(generator):
    """A guide that takes all of epsilon away, with eta = 0: each step then begins at sqrt(abar) x'_0."""
    model, _, adjoint = scan(generator)
    chain, grid = Chain(linear, adjoint, model, SPREAD, eta=0.0), time_grid("geometric", 5, 1.2, 0.01, 20.0).tolist()
    seen = []

    def guide(chain, x_t, abar):
        seen.append(abar)
        eps, x0 = chain.unguided(x_t, abar)
        return -eps, eps, x0

    made = run_chain(chain, torch.tensor(grid, dtype=torch.float64), 1, torch.Generator().manual_seed(7), guide=guide)
    assert seen == grid[:-1]
    x = grid[0] ** 0.5 * adjoint + (1 - grid[0]) ** 0.5 * drawn(1, torch.Generator().manual_seed(7))
    for abar, before in pairwise([*grid, 1.0]):
        x0 = chain.consistent(linear(x / abar**0.5, ((1 - abar) / abar) ** 0.5), abar, last=before == 1)
        x = before**0.5 * x0
    torch.testing.assert_close(made, x, rtol=1e-10, atol=1e-10)


def test_grids():
    grid = time_grid("geometric", 30, 1.2, 0.01, 81.7)
    sigma = sigma_of(grid)
    assert float(sigma[0]) == pytest.approx(1.2) and float(sigma[-1]) == pytest.approx(0.01)
    torch.testing.assert_close(sigma[1:] / sigma[:-1], (sigma[1] / sigma[0]).expand(29), rtol=1e-9, atol=0)
    grid = time_grid("uniform", 100, 1.2, 0.01, 81.7)
    assert grid[0] == alpha_bar()[931] and grid[-1] == alpha_bar()[0]
    t = torch.searchsorted(-alpha_bar(), -grid)
    assert set((t[:-1] - t[1:]).tolist()) == {9, 10}  # 931 / 99 = 9.4
    assert (time_grid("uniform", 932, 1.2, 0.01, 81.7).diff() > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("geometric", 1, 1.2, 0.01, 81.7), "a chain needs 2 steps or more, not 1"),
        (("uniform", 0, 1.2, 0.01, 81.7), "a chain needs 2 steps or more, not 0"),
        (("uniform", 933, 1.2, 0.01, 81.7), "the prior knows 932 steps of the diffusion, not 933"),
        (("geometric", 30, 90.0, 0.01, 81.7), "the prior knows noise up to sigma 81.7; start there or below"),
        (("geometric", 30, 0.001, 0.01, 81.7), "no 30 levels lead from 0.001 down to 0.01"),
        (("geometric", 30, float("nan"), 0.01, 81.7), "no 30 levels lead from nan"),
    ],
)
def test_grids_that_cannot_be_are_one_sentence(arguments, message):
    with pytest.raises(UserError, match=message):
        time_grid(*arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"iterations": 0}, "iterations must be 1 or more"),
        ({"relative_noise": -0.1}, "relative_noise must not be negative"),
        ({"relative_noise": float("nan")}, "relative_noise must not be negative"),
        ({"spread": 0.0}, "spread must be above 0"),
        ({"eta": 1.01}, "eta between 0 and 1"),
    ],
)
def test_a_chain_that_cannot_be_is_one_sentence(settings, message, generator):
    model, _, adjoint = scan(generator)
    with pytest.raises(UserError, match=message):
        Chain(linear, adjoint, model, **{"spread": SPREAD} | settings)


def test_no_sample_and_numbers_that_are_not_finite_are_one_sentence(generator):
    model, _, adjoint = scan(generator)
    grid = time_grid("geometric", 4, 1.2, 0.01, 20.0)
    with pytest.raises(UserError, match="at least one sample must be drawn, not 0"):
        run_chain(Chain(linear, adjoint, model, SPREAD), grid, 0, generator)
    with pytest.raises(UserError, match="no longer finite at sigma 1.2; check the data"):
        run_chain(Chain(linear, adjoint * float("nan"), model, SPREAD), grid, 1, generator)
