import pytest
import torch

from mrilab.nets.consistency import consistent, unrolled_gradients
from mrilab.physics import SenseModel, conjugate_gradients, equispaced_mask, poisson_mask

LINES = equispaced_mask((6, 5), 2, acs=1)
POINTS = poisson_mask((6, 5), 2, acs=2, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.tensor(0.3, dtype=torch.float64)


def matrix(operator, shape):
    """The dense matrix of a linear operator on one image."""
    size = shape[0] * shape[1]
    units = torch.eye(size, dtype=torch.complex128).reshape(size, *shape)
    return torch.stack([operator(unit).flatten() for unit in units], -1)


@pytest.mark.parametrize("mask", [LINES, equispaced_mask((6, 5), 2, "horizontal", acs=1), POINTS])
def test_it_is_the_dense_solution(mask, problem, generator):
    y, mask, maps, _ = problem(mask, (6, 5))
    z = torch.randn(2, 6, 5, dtype=torch.complex128, generator=generator)
    adjoint = SenseModel(maps, mask).adjoint(y)
    solved = consistent(SenseModel(maps, mask), adjoint, z, WEIGHT, iterations=30)
    for n in range(2):
        dense = matrix(SenseModel(maps[n], mask).normal, (6, 5)) + WEIGHT * torch.eye(30, dtype=torch.float64)
        expected = torch.linalg.solve(dense, (adjoint[n] + WEIGHT * z[n]).flatten())
        torch.testing.assert_close(solved[n].flatten(), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_the_steps_are_those_of_the_physics(iterations, problem):
    y, mask, maps, _ = problem(LINES, (6, 5))
    model = SenseModel(maps, mask)
    b = model.adjoint(y)

    def normal(x):
        return model.normal(x) + WEIGHT * x

    expected = conjugate_gradients(normal, b, iterations=iterations, tolerance=0)
    torch.testing.assert_close(unrolled_gradients(normal, b, iterations), expected, atol=1e-13, rtol=1e-13)


def test_images_of_a_batch_do_not_mix_and_scales_do_not_matter(problem, generator):
    """Sums run per image: one of raw scanner units beside one of its own brightness."""
    y, mask, maps, _ = problem(LINES, (6, 5))
    z = torch.randn(2, 6, 5, dtype=torch.complex128, generator=generator)
    y, z = (each * torch.tensor([1.0, 2.0**-20]).reshape(2, *[1] * (each.ndim - 1)) for each in (y, z))
    together = consistent(SenseModel(maps, mask), SenseModel(maps, mask).adjoint(y), z, WEIGHT, 3)
    for n in range(2):
        model = SenseModel(maps[n], mask)
        alone = consistent(model, model.adjoint(y[n]), z[n], WEIGHT, 3)
        torch.testing.assert_close(together[n], alone, atol=0, rtol=1e-10)


@pytest.mark.parametrize("iterations", [2, 15])
def test_gradients_against_finite_differences(iterations, problem, generator):
    """In all three arguments, of converged solutions as of others."""
    y, mask, maps, _ = problem(equispaced_mask((3, 4), 2, acs=1), (3, 4), coils=2, n=2)
    z = torch.randn(2, 3, 4, dtype=torch.complex128, generator=generator)  # away from the solution
    model = SenseModel(maps, mask)

    def solve(adjoint, z, weight):
        return consistent(model, adjoint, z, weight, iterations)

    inputs = [each.clone().requires_grad_() for each in (model.adjoint(y), z, WEIGHT)]
    assert torch.autograd.gradcheck(solve, inputs, fast_mode=True)


def test_the_gradient_of_a_converged_solution_is_another_solve(problem, generator):
    """The implicit formula: for x = N^-1 b, the gradient in b of <v, x> is N^-1 v."""
    y, mask, maps, v = problem(LINES, (6, 5))
    model = SenseModel(maps, mask)

    def normal(x):
        return model.normal(x) + WEIGHT * x

    b = model.adjoint(y).requires_grad_()
    (gradient,) = torch.autograd.grad((v.conj() * unrolled_gradients(normal, b, 40)).real.sum(), b)
    expected = conjugate_gradients(normal, v, iterations=60, tolerance=1e-14)
    torch.testing.assert_close(gradient, expected, atol=1e-9, rtol=1e-9)


def test_nothing_to_solve_gives_nothing_and_a_gradient_that_is_finite():
    b = torch.zeros(2, 4, 4, dtype=torch.complex64, requires_grad=True)
    x = unrolled_gradients(lambda x: 2 * x, b, 6)
    x.real.sum().backward()
    assert not x.any() and torch.isfinite(torch.view_as_real(b.grad)).all()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_without_a_weight_the_data_are_kept_and_the_rest_stays(dtype, problem, generator):
    """A singular problem: what rounding leaves in the null space must not be divided by."""
    shape = (6, 8)
    y, mask, maps, _ = problem(equispaced_mask(shape, 2, acs=2), shape, coils=1, n=1, dtype=dtype)
    model = SenseModel(torch.ones_like(maps), mask)
    y = y * maps.abs()  # any data on the mask will do
    y = model.forward(model.adjoint(y))
    z = torch.randn(1, *shape, dtype=dtype, generator=generator)
    x = consistent(model, model.adjoint(y), z, torch.zeros((), dtype=y.real.dtype), 8)
    expected = z - model.normal(z) + model.adjoint(y)
    tolerance = 1e-5 if dtype == torch.complex64 else 1e-12
    torch.testing.assert_close(x, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("away", [0.0, 1e-4, 1e-2])
@pytest.mark.parametrize("iterations", [2, 50])
def test_a_start_that_agrees_with_the_data_stays(iterations, away, dtype, problem, generator):
    """Then most of what is left to solve is rounding of the start, of which half is in the null space."""
    shape = (6, 8)
    y, mask, maps, _ = problem(equispaced_mask(shape, 2, acs=2), shape, coils=1, n=1, dtype=dtype)
    model = SenseModel(maps, mask)
    z = torch.randn(1, *shape, dtype=dtype, generator=generator)
    near = z + model.adjoint(y) - model.normal(z)  # A^H A is a projection
    start = near + away * torch.randn(1, *shape, dtype=dtype, generator=generator)
    x = consistent(model, model.adjoint(y), start, torch.zeros((), dtype=y.real.dtype), iterations)
    tolerance = 2e-6 if dtype == torch.complex64 else 1e-14
    torch.testing.assert_close(x, start - model.normal(start) + model.adjoint(y), atol=tolerance, rtol=tolerance)


def test_autocast_changes_nothing(problem):
    """Under autocast vecdot alone would work in bfloat16, and the solution be off by a tenth."""
    y, mask, maps, image = problem(LINES, (6, 5), dtype=torch.complex64)
    model = SenseModel(maps, mask)
    arguments = (model, model.adjoint(y), torch.zeros_like(image), WEIGHT.float(), 6)
    with torch.autocast("cpu", torch.bfloat16):
        lower = consistent(*arguments)
    assert torch.equal(lower, consistent(*arguments))
