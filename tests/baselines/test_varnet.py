import pytest
import torch

from mrilab.baselines.varnet import SensitivityNet, VarNet
from mrilab.errors import UserError
from mrilab.nets.unet import ComplexUnet
from mrilab.physics import Acquisition, equispaced_mask, fft2c, ifft2c, mvue, normalise_maps, poisson_mask
from mrilab.physics.coils import calibration_lines
from mrilab.physics.lines import centre_lines

MASKS = {
    "vertical": lambda shape: equispaced_mask(shape, 2, acs=4),
    "horizontal": lambda shape: equispaced_mask(shape, 2, "horizontal", acs=4),
    "points": lambda shape: poisson_mask(shape, 2, acs=4, generator=torch.Generator().manual_seed(0)),
}


def acs_of(shape):
    return centre_lines(shape[0], 4)[:, None] & centre_lines(shape[1], 4)[None]


def tiny(awake, cascades=2):
    return awake(VarNet(width=2, cascades=cascades, maps_width=1).double(), 0.3)


def images(network, y, mask, acs):
    """The images of a network that must not look at the coil maps."""
    return network(Acquisition(y, mask, torch.full_like(y, torch.nan), acs=acs)).image


def randn(*shape, generator, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=generator)


def test_weights_fit_the_size_of_a_checkpoint():
    network = VarNet()
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == 3_052_644 and 4 * count < 16e6  # bytes in float32
    assert network.config == {"width": 8, "cascades": 6, "maps_width": 4}


@pytest.mark.parametrize("shape", [(2, 1), (5, 40), (33, 32), (48, 17)])
def test_the_unet_takes_any_shape(shape, awake, generator):
    network, x = awake(ComplexUnet(2).double()), randn(2, *shape, generator=generator)
    out = network(x)
    assert out.shape == x.shape and torch.isfinite(torch.view_as_real(out)).all()


def test_the_unet_ignores_offset_and_follows_scale(awake, generator):
    """Of each part of its own: the deviation multiplies what comes out, the mean does not come back."""
    network, x = awake(ComplexUnet(2).double()), randn(1, 32, 35, generator=generator)
    out = network(x)
    torch.testing.assert_close(network(1e-6 * x + (3e-6 - 2e-6j)), 1e-6 * out, atol=1e-15, rtol=1e-6)
    stretched = torch.complex(5 * x.real, x.imag)
    torch.testing.assert_close(network(stretched), torch.complex(5 * out.real, out.imag), atol=1e-9, rtol=1e-9)


def test_an_empty_image_gives_a_finite_answer_and_gradient(awake):
    network, x = awake(ComplexUnet(2)), torch.zeros(1, 32, 32, dtype=torch.complex64, requires_grad=True)
    out = network(x)
    out.abs().sum().backward()
    assert torch.isfinite(torch.view_as_real(out)).all() and torch.isfinite(torch.view_as_real(x.grad)).all()


def test_maps_come_from_the_calibration_lines_alone_and_are_normalised(awake, generator):
    network, acs = awake(SensitivityNet(1).double(), 0.3), centre_lines(33, 6)[None]
    y = randn(2, 3, 32, 33, generator=generator)
    maps = network(y, acs)
    torch.testing.assert_close(maps.abs().square().sum(1), torch.ones(2, 32, 33, dtype=torch.float64))
    torch.testing.assert_close(network(y + 9 * randn(2, 3, 32, 33, generator=generator) * ~acs, acs), maps)
    as_built = SensitivityNet(1).double()(y, acs)
    torch.testing.assert_close(as_built, normalise_maps(ifft2c(y * acs)))


def test_the_calibration_lines_are_the_central_columns_as_many_as_in_training():
    shape = (100, 128)
    for acceleration, count in ((3, 10), (6, 10), (8, 5), (1, 10)):
        columns = calibration_lines(equispaced_mask(shape, acceleration), shape)
        assert torch.equal(columns, centre_lines(128, count)[None]), acceleration
    batch_of_one = equispaced_mask(shape, 3)[None]
    assert torch.equal(calibration_lines(batch_of_one[0], shape), centre_lines(128, 10)[None])


def test_without_full_columns_the_calibration_lines_are_the_box():
    shape = (40, 48)
    horizontal = equispaced_mask(shape, 4, "horizontal", acs=7)
    points = poisson_mask(shape, 4, acs=9, generator=torch.Generator().manual_seed(0))
    for mask, least in ((horizontal, (7, 24)), (points, (9, 9))):
        acs = calibration_lines(mask, shape)
        rows, columns = acs.any(1).sum(), acs.any(0).sum()
        assert acs.sum() == rows * columns and rows >= least[0] and columns >= least[1]
        assert not (acs & ~mask).any() and acs[20, 24]
    with pytest.raises(UserError, match="centre of k-space is not sampled"):
        calibration_lines(torch.zeros(40, 1, dtype=torch.bool), shape)


def test_as_built_it_is_zero_filled_with_the_maps_of_the_calibration_lines(problem):
    y, mask, _, _ = problem(MASKS["vertical"]((20, 19)), (20, 19))
    acs = centre_lines(19, 4)[None]
    expected = mvue(y, normalise_maps(ifft2c(y * acs)))
    torch.testing.assert_close(images(VarNet(2, 3, 1).double(), y, mask, acs), expected)


def test_a_cascade_is_its_equation(awake, problem):
    """Written out with plain transforms: k - eta M (k - y) - F S U(sum conj(S) F^-1 k), twice."""
    shape = (18, 33)
    y, mask, _, _ = problem(MASKS["points"](shape), shape)
    network = tiny(awake)
    network.eta.data = torch.tensor([0.7, 1.2], dtype=torch.float64)
    maps = network.sensitivity(y, acs_of(shape))
    k = y
    for eta, unet in zip((0.7, 1.2), network.unets, strict=True):
        refined = unet((maps.conj() * ifft2c(k)).sum(1))
        k = k - eta * mask * (k - y) - fft2c(maps * refined[:, None])
    torch.testing.assert_close(images(network, y, mask, acs_of(shape)), (maps.conj() * ifft2c(k)).sum(1))


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize(("shape", "coils", "n"), [((9, 12), 1, 1), ((32, 37), 5, 3)])
def test_any_shape_mask_batch_and_number_of_coils(kind, shape, coils, n, awake, problem):
    y, mask, _, _ = problem(MASKS[kind](shape), shape, coils, n)
    x = images(tiny(awake), y, mask, acs_of(shape))
    assert x.shape == (n, *shape) and torch.isfinite(torch.view_as_real(x)).all()


def test_images_of_a_batch_have_their_own_masks_and_do_not_mix(awake, problem):
    shape = (32, 32)
    masks = torch.stack([MASKS["vertical"](shape), equispaced_mask(shape, 3, acs=6)])  # (2, 1, W)
    acs = torch.stack([centre_lines(32, 4)[None], centre_lines(32, 6)[None]])
    y, masks, _, _ = problem(masks, shape)
    network = tiny(awake)
    alone = torch.cat([images(network, y[n : n + 1], masks[n], acs[n]) for n in range(2)])
    torch.testing.assert_close(images(network, y, masks, acs), alone, atol=1e-12, rtol=1e-12)


def test_it_follows_the_scale_of_the_data(awake, problem):
    shape = (32, 32)
    y, mask, _, _ = problem(MASKS["vertical"](shape), shape)
    network = tiny(awake)
    torch.testing.assert_close(
        2.0**20 * images(network, 2.0**-20 * y, mask, acs_of(shape)),
        images(network, y, mask, acs_of(shape)),
        atol=0,
        rtol=1e-12,
    )


def test_gradients_against_finite_differences(awake, problem, generator):
    """In the data and along a random direction in every weight."""
    shape = (32, 32)
    y, mask, _, _ = problem(MASKS["vertical"](shape), shape, coils=2, n=1)
    network = tiny(awake)
    parameters = list(network.parameters())
    probe = randn(1, *shape, generator=generator)
    directions = [randn(*y.shape, generator=generator)]
    directions += [torch.randn(p.shape, dtype=torch.float64, generator=generator) for p in parameters]
    y.requires_grad_()

    def value():
        return (probe.conj() * images(network, y, mask, acs_of(shape))).real.sum()

    gradients, step, values = torch.autograd.grad(value(), [y, *parameters]), 1e-7, []
    for sign in (1, -2):  # forward, then from there backward
        with torch.no_grad():
            for each, direction in zip([y, *parameters], directions, strict=True):
                each += sign * step * direction
            values.append(value())
    analytic = sum((g.conj() * d).real.sum() for g, d in zip(gradients, directions, strict=True))
    torch.testing.assert_close(analytic, (values[0] - values[1]) / (2 * step), rtol=1e-5, atol=0)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_bf16_keeps_to_complex64(awake, problem):
    shape = (32, 32)
    y, mask, _, _ = problem(MASKS["vertical"](shape), shape, dtype=torch.complex64)
    network = awake(VarNet(4, 2, 2))
    single = images(network, y, mask, acs_of(shape))
    with torch.autocast("cpu", torch.bfloat16):
        half = images(network, y, mask, acs_of(shape))
    assert single.dtype == half.dtype == torch.complex64
    assert 0 < (half - single).abs().max() / single.abs().max() < 0.1


def test_it_overfits_one_example(problem):
    """The undersampled random image cannot be solved for; the network has to remember its magnitude."""
    torch.manual_seed(0)
    shape = (32, 32)
    y, mask, _, image = problem(equispaced_mask(shape, 4, acs=4), shape, 2, 1, torch.complex64)
    network, acs = VarNet(8, 2, 2), centre_lines(32, 4)[None]
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=3e-3), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (images(network, y, mask, acs).abs() - image.abs()).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
