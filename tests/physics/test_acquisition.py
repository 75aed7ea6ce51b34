import pytest
import torch

from mrilab.errors import UserError
from mrilab.physics import SenseModel, acquisition, fft2c, ifft2c

SHAPES = [(8, 10), (9, 7), (6, 9)]


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def masks(shape, generator):
    height, width = shape
    return {
        "columns": torch.rand(1, width, generator=generator) > 0.4,
        "rows": torch.rand(height, 1, generator=generator) > 0.4,
        "points": torch.rand(height, width, generator=generator) > 0.4,
        "per scan": torch.rand(3, 1, width, generator=generator) > 0.4,
        "points per scan": torch.rand(3, height, width, generator=generator) > 0.4,
    }


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["columns", "rows", "points", "per scan", "points per scan"])
@pytest.mark.parametrize("own_maps", [True, False])
@pytest.mark.parametrize("cache", [acquisition.CACHE_BYTES, 1])
def test_operator_adjoint_and_normal(shape, kind, own_maps, cache, generator, monkeypatch):
    monkeypatch.setattr(acquisition, "CACHE_BYTES", cache)
    mask = masks(shape, generator)[kind]
    maps = randn(*((3, 4) if own_maps else (4,)), *shape, generator=generator)
    model = SenseModel(maps, mask)
    x, y = randn(3, *shape, generator=generator), randn(3, 4, *shape, generator=generator)
    written_out = mask[..., None, :, :] * fft2c(maps * x[:, None])
    torch.testing.assert_close(model.forward(x), written_out, atol=1e-12, rtol=0)
    for n in range(3):  # one dot test a scan: a mix-up of scans would hide in the sum
        left = torch.vdot(model.forward(x)[n].flatten(), y[n].flatten())
        right = torch.vdot(x[n].flatten(), model.adjoint(y)[n].flatten())
        torch.testing.assert_close(left, right, atol=1e-11, rtol=0)
    torch.testing.assert_close(model.normal(x), model.adjoint(model.forward(x)), atol=1e-12, rtol=0)


@pytest.mark.parametrize("cache", [acquisition.CACHE_BYTES, 1])  # all at once; image by image and coil by coil
def test_one_scan_serves_many_samples_and_deeper_batches(cache, generator, monkeypatch):
    monkeypatch.setattr(acquisition, "CACHE_BYTES", cache)
    shape = (8, 6)
    model = SenseModel(randn(4, *shape, generator=generator), torch.rand(1, 6, generator=generator) > 0.3)
    x = randn(2, 5, *shape, generator=generator)
    one_by_one = torch.stack([torch.stack([model.normal(image) for image in row]) for row in x])
    torch.testing.assert_close(model.normal(x), one_by_one)
    assert model.forward(x).shape == (2, 5, 4, *shape)
    assert model.adjoint(model.forward(x)).shape == x.shape


def test_full_sampling_with_normalised_maps_is_the_identity(generator):
    maps = randn(5, 9, 8, generator=generator)
    maps /= maps.abs().square().sum(0).sqrt()
    model = SenseModel(maps, torch.ones(1, 8, dtype=torch.bool))
    x = randn(9, 8, generator=generator)
    torch.testing.assert_close(model.normal(x), x)
    torch.testing.assert_close(model.adjoint(model.forward(x)), x)


def test_norm_is_at_most_one(generator):
    maps = randn(3, 6, 5, generator=generator)
    maps /= maps.abs().square().sum(0).sqrt()
    model = SenseModel(maps, torch.rand(1, 5, generator=generator) > 0.5)
    basis = torch.eye(30, dtype=torch.complex128).reshape(30, 6, 5)
    matrix = model.normal(basis).reshape(30, 30).T
    eigenvalues = torch.linalg.eigvalsh(matrix)
    assert eigenvalues.max() <= 1 + 1e-12
    assert eigenvalues.min() >= -1e-12


def test_gradient_of_the_data_term_is_the_wirtinger_one(generator):
    shape = (6, 7)
    model = SenseModel(randn(3, *shape, generator=generator), torch.rand(1, 7, generator=generator) > 0.4)
    y = model.forward(randn(*shape, generator=generator))
    x = randn(*shape, generator=generator).requires_grad_()
    loss = 0.5 * (model.forward(x) - y).abs().square().sum()
    loss.backward()
    torch.testing.assert_close(x.grad, model.adjoint(model.forward(x) - y).detach())


def test_normal_is_differentiable(generator):
    shape = (5, 6)
    model = SenseModel(randn(2, *shape, generator=generator), torch.rand(1, 6, generator=generator) > 0.4)
    x = randn(2, *shape, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(model.normal, (x,))


def test_adjoint_ignores_what_was_not_sampled(generator):
    shape = (6, 8)
    mask = torch.rand(1, 8, generator=generator) > 0.5
    model = SenseModel(randn(2, *shape, generator=generator), mask)
    y = randn(2, *shape, generator=generator)
    torch.testing.assert_close(model.adjoint(y), (ifft2c(mask * y) * model.coil_maps.conj()).sum(0))


def test_wrong_shapes_and_types_are_named(generator):
    maps = randn(4, 8, 6, generator=generator)
    with pytest.raises(UserError, match="coil maps must be complex"):
        SenseModel(maps.real, torch.ones(1, 6, dtype=torch.bool))
    with pytest.raises(UserError, match="mask must be bool or real"):
        SenseModel(maps, torch.ones(1, 6, dtype=torch.long))
    with pytest.raises(UserError, match="does not fit"):
        SenseModel(maps, torch.ones(1, 7, dtype=torch.bool))
    model = SenseModel(maps, torch.ones(1, 6, dtype=torch.bool))
    with pytest.raises(UserError, match="an image"):
        model.normal(torch.zeros(6, 8, dtype=torch.complex128))
    with pytest.raises(UserError, match="k-space"):
        model.adjoint(torch.zeros(3, 8, 6, dtype=torch.complex128))


@pytest.mark.parametrize("unit", [(1, 6), (8, 1), (8, 6)])
def test_a_real_mask_has_an_adjoint_and_the_hessian_of_the_weighted_misfit(generator, unit):
    maps = randn(3, 8, 6, generator=generator)
    mask = torch.rand(2, *unit, generator=generator, dtype=torch.float64)
    model = SenseModel(maps, mask)
    x, y = randn(2, 8, 6, generator=generator), randn(2, 3, 8, 6, generator=generator)
    left, right = (
        torch.vdot(model.forward(x).flatten(), y.flatten()),
        torch.vdot(x.flatten(), model.adjoint(y).flatten()),
    )
    torch.testing.assert_close(left, right)
    whole = SenseModel(maps, torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(model.normal(x), whole.adjoint(mask[:, None] * whole.forward(x)))


@pytest.mark.parametrize("unit", [(1, 6), (8, 6)])
def test_gradients_reach_a_real_mask(generator, unit):
    maps = randn(2, 8, 6, generator=generator)
    x, y = randn(8, 6, generator=generator), randn(2, 8, 6, generator=generator)
    mask = torch.rand(unit, generator=generator, dtype=torch.float64).requires_grad_()
    for call in (lambda m: m.forward(x), lambda m: m.adjoint(y), lambda m: m.normal(x)):
        assert torch.autograd.gradcheck(lambda mask, call=call: call(SenseModel(maps, mask)), (mask,))
    # also where nothing is sampled: the misfit's gradient is linear in the mask
    nothing = torch.zeros(unit, dtype=torch.float64, requires_grad=True)
    model = SenseModel(maps, nothing)
    (model.normal(x) - model.adjoint(y)).abs().square().sum().backward()
    assert (nothing.grad == 0).all()  # of a square, whose value is 0
    (slope,) = torch.autograd.grad((SenseModel(maps, nothing).adjoint(y) * x.conj()).real.sum(), nothing)
    assert slope.abs().min() > 0


def test_a_real_mask_of_zeros_and_ones_is_the_bool_mask(generator):
    maps = randn(3, 8, 6, generator=generator)
    mask = torch.rand(8, 6, generator=generator) > 0.5
    x, y = randn(8, 6, generator=generator), randn(3, 8, 6, generator=generator)
    real, plain = SenseModel(maps, mask.double()), SenseModel(maps, mask)
    for name, argument in (("forward", x), ("adjoint", y), ("normal", x)):
        torch.testing.assert_close(getattr(real, name)(argument), getattr(plain, name)(argument))
