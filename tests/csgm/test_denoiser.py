import pytest
import torch

from mrilab.csgm.denoiser import Denoiser


@pytest.fixture
def tiny():
    """A narrow network in float64 with random weights: as built, its last layers are zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = Denoiser(width=8, sigma_data=0.3).double()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.15)
    return network


def randn(*shape, generator, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=generator)


def test_weights_fit_the_size_of_a_checkpoint():
    count = sum(parameter.numel() for parameter in Denoiser().parameters())
    assert 3e6 < count < 4e6 and 4 * count < 16e6  # bytes in float32


@pytest.mark.parametrize("sigma", [1e-3, 0.3, 50.0])
def test_as_built_it_is_the_best_denoiser_of_white_gaussian_images(sigma, generator):
    """F = 0 leaves c_skip x, the posterior mean under N(0, sigma_data^2)."""
    x = randn(2, 8, 8, generator=generator)
    own = 0.3
    expected = x * own**2 / (own**2 + sigma**2)
    actual = Denoiser(width=8, sigma_data=own).double()(x, torch.full((2,), sigma, dtype=torch.float64))
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


def test_score_is_the_residual_over_the_variance_per_component(tiny, generator):
    x, sigma = randn(2, 8, 8, generator=generator), torch.tensor([0.1, 2.0], dtype=torch.float64)
    by_hand = torch.stack([(tiny(x[n : n + 1], sigma[n : n + 1])[0] - x[n]) / sigma[n] ** 2 for n in range(2)])
    torch.testing.assert_close(tiny.score(x, sigma), by_hand, atol=1e-9, rtol=1e-9)


def test_the_untrained_score_is_that_of_a_gaussian(generator):
    """d/dRe and d/dIm of log N(x; 0, sigma_data^2 + sigma^2) by automatic differentiation."""
    x, sigma, own = randn(1, 8, 8, generator=generator).requires_grad_(), 0.7, 0.3
    log_density = -torch.view_as_real(x).square().sum() / (2 * (own**2 + sigma**2))
    (gradient,) = torch.autograd.grad(log_density, x)  # torch's convention: d/dRe + i d/dIm
    score = Denoiser(width=8, sigma_data=own).double().score(x, torch.tensor([sigma], dtype=torch.float64))
    torch.testing.assert_close(score, gradient)


@pytest.mark.parametrize("shape", [(8, 8), (5, 11)])
def test_gradients_against_finite_differences(tiny, shape, generator):
    sigma = torch.tensor([0.4], dtype=torch.float64)
    x = randn(1, *shape, generator=generator).requires_grad_()
    probe = randn(1, *shape, generator=generator)

    def value(at):
        return torch.vdot(probe.flatten(), tiny(at, sigma).flatten()).real

    direction, step = randn(1, *shape, generator=generator), 1e-5
    (gradient,) = torch.autograd.grad(value(x), x)
    with torch.no_grad():
        numeric = (value(x + step * direction) - value(x - step * direction)) / (2 * step)
    torch.testing.assert_close(torch.vdot(gradient.flatten(), direction.flatten()).real, numeric, rtol=1e-7, atol=1e-9)

    weight = tiny.unet.conv_in.conv.weight
    (gradient,) = torch.autograd.grad(value(x), weight)
    direction = torch.randn(weight.shape, dtype=torch.float64, generator=generator)
    values = []
    with torch.no_grad():
        for sign in (1, -1):
            weight += sign * step * direction
            values.append(value(x))
            weight -= sign * step * direction
    numeric = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (9, 16), (23, 17)])
def test_any_shape_comes_back_and_is_a_crop_of_the_periodic_image(tiny, shape, generator):
    x, sigma = randn(2, *shape, generator=generator), torch.tensor([0.1, 0.5], dtype=torch.float64)
    top, left = (-shape[0] % 8) // 2, (-shape[1] % 8) // 2
    padded = (shape[0] + -shape[0] % 8, shape[1] + -shape[1] % 8)
    tiles = x.repeat(1, 20, 20)  # an independent way to continue the image on both sides
    start = [10 * shape[0] - top, 10 * shape[1] - left]
    whole = tiles[:, start[0] : start[0] + padded[0], start[1] : start[1] + padded[1]]
    expected = tiny(whole, sigma)[:, top : top + shape[0], left : left + shape[1]]
    torch.testing.assert_close(tiny(x, sigma), expected, atol=1e-12, rtol=1e-12)


def test_images_of_a_batch_do_not_mix(tiny, generator):
    x, sigma = randn(3, 12, 9, generator=generator), torch.tensor([0.02, 0.5, 9.0], dtype=torch.float64)
    one_by_one = torch.cat([tiny(x[n : n + 1], sigma[n : n + 1]) for n in range(3)])
    torch.testing.assert_close(tiny(x, sigma), one_by_one, atol=1e-12, rtol=1e-12)


def test_the_network_gets_channels_last_without_a_copy(tiny, generator):
    seen = {}

    def look(_module, inputs):
        seen["tensor"] = inputs[0]

    tiny.unet.register_forward_pre_hook(look)
    tiny(randn(2, 16, 8, generator=generator), torch.ones(2, dtype=torch.float64))
    assert seen["tensor"].is_contiguous(memory_format=torch.channels_last)


def test_single_precision_and_bf16_keep_to_complex64(generator):
    network, x = Denoiser(width=8), randn(2, 8, 8, generator=generator, dtype=torch.complex64)
    torch.nn.init.normal_(network.unet.out[-1].conv.weight, std=0.1)
    single = network(x, torch.ones(2))
    with torch.autocast("cpu", torch.bfloat16):
        half = network(x, torch.ones(2))
    assert single.dtype == half.dtype == torch.complex64
    error = (half - single).abs().max() / single.abs().max()
    assert 0 < error < 0.02  # bf16 has 8 bits of mantissa


@pytest.mark.parametrize("width", [-8, 0, 12])
def test_a_width_that_the_norms_cannot_divide_is_refused(width):
    with pytest.raises(ValueError, match="multiple of 8"):
        Denoiser(width)
