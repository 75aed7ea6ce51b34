import numpy as np
import pytest
import pywt
import sigpy
import torch

from mrilab.errors import UserError
from mrilab.physics import SenseModel, cg_sense, conjugate_gradients, l1_wavelet, normalise_maps, zero_filled


def problem(shape, coils=4, batch=(), seed=0, dtype=torch.complex128):
    generator = torch.Generator().manual_seed(seed)
    maps = normalise_maps(torch.randn(*batch, coils, *shape, dtype=dtype, generator=generator))
    mask = torch.rand(*batch, 1, shape[1], generator=generator) > 0.4
    model = SenseModel(maps, mask)
    x = torch.randn(*batch, *shape, dtype=dtype, generator=generator)
    y = model.forward(x)
    return model, y + 0.1 * mask[..., None, :, :] * torch.randn(y.shape, dtype=dtype, generator=generator)


def dense(model):
    height, width = model.shape
    basis = torch.eye(height * width, dtype=torch.complex128).reshape(-1, height, width)
    return model.normal(basis).reshape(len(basis), -1).T


@pytest.mark.parametrize("shape", [(6, 8), (7, 5)])
@pytest.mark.parametrize("weight", [1e-3, 0.1])
def test_cg_agrees_with_a_dense_solver(shape, weight):
    model, y = problem(shape)
    x = cg_sense(y, model, weight=weight, iterations=300, tolerance=1e-13)
    matrix = dense(model) + weight * torch.eye(shape[0] * shape[1], dtype=torch.complex128)
    expected = torch.linalg.solve(matrix, model.adjoint(y).flatten()).reshape(shape)
    torch.testing.assert_close(x, expected, atol=1e-9, rtol=0)


def test_cg_treats_the_images_of_a_batch_apart():
    model, y = problem((6, 8), batch=(3,))
    y[1] *= 1e6  # one bright scan must not stop, or steer, the others
    y[2] = 0  # and one is empty
    together = cg_sense(y, model, weight=0.01, iterations=7, tolerance=0)
    for n in range(3):
        alone = cg_sense(y[n], SenseModel(model.coil_maps[n], model.mask[n]), weight=0.01, iterations=7, tolerance=0)
        torch.testing.assert_close(together[n], alone, rtol=1e-9, atol=1e-12)
    assert (together[2] == 0).all()


def test_cg_solves_the_equation():
    model, y = problem((6, 8))
    b = model.adjoint(y)

    def normal(x):
        return model.normal(x) + 0.1 * x

    solution = conjugate_gradients(normal, b, iterations=300, tolerance=1e-13)
    torch.testing.assert_close(normal(solution), b)


@pytest.mark.parametrize("name", ["db2", "db4"])
def test_fista_finds_the_minimum_that_sigpy_finds(name):
    shape, levels, threshold = (32, 48), 2, 0.05
    model, y = problem(shape)

    def analysis(x):
        return pywt.coeffs_to_array(pywt.wavedec2(x, name, mode="periodization", level=levels))

    template, slices = analysis(np.zeros(shape, dtype=complex))

    def synthesis(array):
        coefficients = pywt.array_to_coeffs(array, slices, output_format="wavedec2")
        return pywt.waverec2(coefficients, name, mode="periodization")

    weights = np.full(template.shape, threshold)
    weights[slices[0]] = 0  # the low-pass band is not penalised

    def proximal(alpha, x):
        return synthesis(sigpy.thresh.soft_thresh(alpha * weights, analysis(x)[0]))

    b = model.adjoint(y).numpy()
    algorithm = sigpy.alg.GradientMethod(
        lambda x: model.normal(torch.from_numpy(x)).numpy() - b,
        b.copy(),  # works in place
        1.0,
        proxg=proximal,
        accelerate=True,
        max_iter=400,
    )
    while not algorithm.done():
        algorithm.update()

    x = l1_wavelet(
        y, model, threshold=threshold, wavelet=name, levels=levels, iterations=400, tolerance=0, cycle_spinning=False
    )
    np.testing.assert_allclose(x.numpy(), algorithm.x, atol=1e-7)

    def objective(x):
        residual = (model.forward(torch.from_numpy(x)) - y).numpy()
        return 0.5 * np.sum(np.abs(residual) ** 2) + np.sum(weights * np.abs(analysis(x)[0]))

    assert objective(x.numpy()) <= objective(algorithm.x) * (1 + 1e-9)
    assert objective(x.numpy()) < 0.9 * objective(b)


def test_l1_wavelet_treats_the_images_of_a_batch_apart():
    model, y = problem((32, 32), batch=(2,))
    y[1] *= 100
    together = l1_wavelet(y, model, iterations=10, tolerance=0)
    for n in range(2):
        alone = l1_wavelet(y[n], SenseModel(model.coil_maps[n], model.mask[n]), iterations=10, tolerance=0)
        torch.testing.assert_close(together[n], alone, rtol=1e-9, atol=1e-12)


def test_the_stopping_rule_stops():
    model, y = problem((32, 32))
    calls = []
    normal = model.normal
    model.normal = lambda x: calls.append(1) or normal(x)
    l1_wavelet(y, model, iterations=500, tolerance=1e-3, cycle_spinning=False)
    assert 2 < len(calls) < 200


def test_zero_filled_is_the_adjoint_and_a_negative_threshold_is_refused():
    model, y = problem((8, 6))
    assert torch.equal(zero_filled(y, model), model.adjoint(y))
    with pytest.raises(UserError, match="must not be negative"):
        l1_wavelet(y, model, threshold=-1.0, levels=1)
