"""Each data step against its closed form, the last step against the data, and batches against one by one."""

import pytest
import torch

from mrilab.methods.exact import Gaussian, MatrixModel, normal_matrix
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.sgr.dds import LEAST_SQUARES, Chain, run_chain, time_grid

SHAPE, SPREAD, NOISE = (6, 8), 0.5, 0.1


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def scan(generator, coils=1, batch=()):
    """A model of `coils` coils with maps of unit norm, and A^H y of random k-space y."""
    maps = normalise_maps(randn(*batch, coils, *SHAPE, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2, acs=2))
    y = model.forward(randn(*batch, *SHAPE, generator=generator))
    return model, y, model.adjoint(y)


def linear(x, sigma):
    """The denoiser of white Gaussian images."""
    return SPREAD**2 / (SPREAD**2 + sigma**2) * x


def test_proximal_is_the_exact_conditional_mean_under_a_white_prior(generator):
    """E[x_0 | x_t, y] of a Gaussian N(0, spread^2) of which x_t is one more measurement."""
    sigma = 0.7
    model = MatrixModel(randn(3, 6, generator=generator))
    y, x = randn(1, 3, generator=generator), randn(1, 6, generator=generator)
    prior = Gaussian(torch.zeros(1, 6, dtype=torch.complex128), torch.full((1, 6), SPREAD**2, dtype=torch.float64))
    given_x = prior.posterior(x, MatrixModel(torch.eye(6, dtype=torch.complex128)), sigma)
    chain = Chain(linear, model.adjoint(y), model, SPREAD, NOISE, iterations=12)
    abar = 1 / (1 + sigma**2)
    torch.testing.assert_close(chain.clean(abar**0.5 * x, chain.epsilon(abar**0.5 * x, abar), abar), given_x.mean)
    _, x0 = chain.unguided(abar**0.5 * x[None], abar)
    torch.testing.assert_close(x0[0], given_x.posterior(y, model, NOISE).mean, rtol=1e-8, atol=1e-8)


def test_cg_with_many_iterations_solves_the_normal_equations(generator):
    matrix, y, x0 = (randn(*shape, generator=generator) for shape in ((9, 6), (1, 9), (2, 1, 6)))
    model = MatrixModel(matrix)
    chain = Chain(linear, model.adjoint(y), model, SPREAD, data="cg", iterations=15)
    solved = torch.linalg.lstsq(matrix, y.mT).solution.mT  # (1, 6)
    torch.testing.assert_close(chain.consistent(x0, 0.5), solved.expand(2, 1, 6), rtol=1e-8, atol=1e-8)
    few = Chain(linear, model.adjoint(y), model, SPREAD, data="cg", iterations=1).consistent(x0, 0.5)
    residual = (model.adjoint(y) - model.normal(x0))[..., 0, :]  # (2, 6): one step of steepest descent
    length = residual.abs().square().sum(-1) / model.forward(residual).abs().square().sum(-1)
    torch.testing.assert_close(few, x0 + (length[:, None] * residual)[:, None])


def test_cg_keeps_what_the_data_do_not_determine(generator):
    model, y, adjoint = scan(generator)
    x0 = randn(2, *SHAPE, generator=generator)
    made = Chain(linear, adjoint, model, SPREAD, data="cg", iterations=20).consistent(x0, 0.5)
    torch.testing.assert_close(made, x0 + adjoint - model.normal(x0))  # A^H A is a projection with one coil
    torch.testing.assert_close(model.forward(made), y.expand(2, *y.shape))


def test_proximal_is_the_closed_form_solution(generator):
    model = MatrixModel(randn(4, 6, generator=generator))
    adjoint, x0 = (randn(*shape, generator=generator) for shape in ((1, 6), (3, 1, 6)))
    chain = Chain(linear, adjoint, model, SPREAD, NOISE, iterations=15)
    for sigma in (0.01, 0.3, 5.0):
        weight = NOISE**2 * (1 / sigma**2 + 1 / SPREAD**2)
        normal = normal_matrix(model, adjoint) + weight * torch.eye(6)
        solved = torch.linalg.solve(normal, (adjoint + weight * x0).mT).mT
        torch.testing.assert_close(chain.consistent(x0, 1 / (1 + sigma**2)), solved, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("coils", [1, 2, 5])
def test_released_is_one_step_of_descent(coils, generator):
    model, y, adjoint = scan(generator, coils)
    x0 = randn(2, *SHAPE, generator=generator)
    made = Chain(linear, adjoint, model, SPREAD, data="released").consistent(x0, 0.5)
    torch.testing.assert_close(made, x0 - model.adjoint(model.forward(x0) - y))


@pytest.mark.parametrize("last", ["released", "least-squares"])
@pytest.mark.parametrize("data", ["proximal", "cg", "released"])
def test_the_last_step_reaches_the_data_of_one_coil(data, last, generator):
    model, y, adjoint = scan(generator)
    chain = Chain(linear, adjoint, model, SPREAD, NOISE, data, last)
    made = run_chain(chain, time_grid("geometric", 4, 1.2, 0.01, 20.0), 2, generator)
    torch.testing.assert_close(model.forward(made), y.expand(2, *y.shape), rtol=1e-10, atol=1e-10)

    single = SenseModel(model.coil_maps.to(torch.complex64), model.mask)
    chain = Chain(linear, adjoint.to(torch.complex64), single, SPREAD, NOISE, data, last)
    made = run_chain(chain, time_grid("geometric", 4, 1.2, 0.01, 20.0), 2, generator)
    assert made.dtype == torch.complex64
    assert (single.forward(made) - y).norm() < 1e-5 * y.expand(2, *y.shape).norm()


def test_least_squares_of_many_coils_is_least_squares(generator):
    model, y, adjoint = scan(generator, coils=5)  # 5 coils at R = 2: nothing is left undetermined
    y = y + randn(*y.shape, generator=generator) * model.mask
    chain = Chain(linear, model.adjoint(y), model, SPREAD, NOISE, last="least-squares")
    made = chain.consistent(randn(2, *SHAPE, generator=generator), 0.9999, last=True)
    solved = torch.linalg.solve(normal_matrix(model, adjoint), model.adjoint(y).flatten()).unflatten(0, SHAPE)
    torch.testing.assert_close(made, solved.expand(2, *SHAPE), rtol=1e-6, atol=1e-6)
    assert LEAST_SQUARES >= adjoint.numel()


@pytest.mark.parametrize("data", ["proximal", "cg", "released"])
@pytest.mark.parametrize("coils", [1, 3])
def test_a_batch_is_the_same_as_one_by_one(coils, data, generator):
    model, _, adjoint = scan(generator, coils, batch=(3,))
    adjoint = adjoint * torch.tensor([1.0, 10.0, 0.0])[:, None, None]  # one scan is larger, and one is empty
    x_t = randn(2, 3, *SHAPE, generator=generator)
    for last in (False, True):
        both = Chain(linear, adjoint, model, SPREAD, data=data).unguided(x_t, 0.6, last)
        for n in range(3):
            alone = Chain(linear, adjoint[n], SenseModel(model.coil_maps[n], model.mask), SPREAD, data=data)
            for together, apart in zip(both, alone.unguided(x_t[:, n], 0.6, last), strict=True):
                torch.testing.assert_close(together[:, n], apart, rtol=1e-10, atol=1e-10)
