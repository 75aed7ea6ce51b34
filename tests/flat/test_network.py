"""FLAT: its cascades against their equations, and against the exact flow where the denoiser is exact."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.flat.flow import GaussianFlow, euler, time_grid
from mrilab.flat.network import FLAT, RULES
from mrilab.methods.exact import Gaussian
from mrilab.nets.consistency import consistent
from mrilab.nets.unet import ComplexUnet
from mrilab.physics import Acquisition, SenseModel, equispaced_mask, fft2c, ifft2c

SHAPE = (18, 20)
MASK = equispaced_mask(SHAPE, 2, acs=4)
SMALL = {"width": 4, "cascades": 3}


def randn(*shape, generator, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=generator)


def small(awake, **options):
    network = awake(FLAT(**SMALL | options).double(), 0.3)
    network.rho.copy_(torch.tensor([0.3, 0.1, 0.02], dtype=torch.float64))
    return network


def test_weights_fit_the_size_of_a_checkpoint():
    count = sum(parameter.numel() for parameter in FLAT().parameters())
    assert 1.4e6 < count < 1.5e6
    assert sum(parameter.numel() for parameter in FLAT(shared=True).parameters()) == count / 12
    assert FLAT(**FLAT(4, rule="free").config).config == FLAT(4, rule="free").config


@pytest.mark.parametrize("rule", RULES)
def test_a_cascade_is_its_equation(rule, awake, problem):
    """Written out with plain transforms."""
    y, mask, maps, _ = problem(MASK, SHAPE)
    network, t = small(awake, rule=rule, alpha=1.0, noise_std=0.05), [1, 4 / 9, 1 / 9, 0]

    def A(x):
        return mask * fft2c(maps * x[:, None])

    def adjoint(k):
        return (maps.conj() * ifft2c(mask * k)).sum(1)

    x = adjoint(y)
    with torch.no_grad():
        states, denoised, _ = network(Acquisition(y, mask, maps))
        for k in range(3):
            torch.testing.assert_close(states[k], x)
            N = network.denoise(x, t[k], adjoint(y), k)
            torch.testing.assert_close(denoised[k], N)
            lam, delta = 1 - t[k + 1] / t[k], t[k] - t[k + 1]
            gamma = network.rho[k] ** 2 / (network.rho[k] ** 2 + 0.05**2)
            if rule == "derived":
                x = x - lam * gamma * adjoint(A(x) - y) + lam * ((N - x) - gamma * adjoint(A(N - x)))
            elif rule == "paper":
                x = x - delta * adjoint(A(x) - y) + delta * (N - x)
            else:
                x = x - network.eta[k] * adjoint(A(x) - y) + (N - x)
        torch.testing.assert_close(states[3], x)


@pytest.mark.parametrize("s", [0.0, 0.7])
def test_with_the_exact_denoiser_of_a_gaussian_it_is_the_exact_flow(s, generator, monkeypatch):
    """One coil and a white prior: the posterior variance is the same everywhere, so nothing is left to approximate."""
    variance, noise_std, K = 0.8, 0.3, 5
    prior = Gaussian(randn(*SHAPE, generator=generator), torch.full(SHAPE, variance, dtype=torch.float64))
    model = SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex128), MASK)
    y = model.forward(prior.sample(1, generator)[0])
    flow = GaussianFlow(prior, y, model, noise_std, s)
    network = FLAT(4, K, 1.0, s=s, noise_std=noise_std).double()
    t = torch.tensor(network.t[:-1], dtype=torch.float64)
    signal, noise = variance * (1 - t) ** 2, (t * s) ** 2  # tau^2 = noise / (1 - t)^2
    network.rho = (variance * noise / (signal + noise)).sqrt()
    network.rho[0] = variance**0.5  # at t = 1 the image tells nothing

    def denoise(x, t, adjoint, k):
        return flow.given_image(x, t).mean if t < 1 else prior.mean.expand(x.shape)

    monkeypatch.setattr(network, "denoise", denoise)
    eps = randn(1, *SHAPE, generator=generator)
    states, _, _ = network(Acquisition(y, MASK, model.coil_maps).batch(), eps=eps)
    exact = euler(flow.denoise, flow.adjoint + s * eps, time_grid(K, 1.0))
    torch.testing.assert_close(states, exact, rtol=1e-9, atol=1e-9)


def test_the_data_by_conjugate_gradients(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE)
    step, solved = (small(awake, noise_std=0.05, iterations=n) for n in (0, 8))
    one = torch.ones_like(maps[:, :1])
    with torch.no_grad():
        torch.testing.assert_close(
            solved(Acquisition(y[:, :1], mask, one)).states, step(Acquisition(y[:, :1], mask, one)).states
        )
        states, denoised, _ = solved(Acquisition(y, mask, maps))
        assert (step(Acquisition(y, mask, maps)).states[1] - states[1]).norm() > 0.01 * states[1].norm()
        model = SenseModel(maps, mask)
        D = consistent(model, model.adjoint(y), denoised[2], torch.tensor((0.05 / 0.02) ** 2), 8)
    torch.testing.assert_close(states[3], D)  # the last step goes all the way


def test_without_noise_the_last_cascade_keeps_what_one_coil_measured(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE, coils=1)
    network = small(awake, noise_std=0.0)
    with torch.no_grad():
        last = network(Acquisition(y, mask, torch.ones_like(maps))).states[-1]
    torch.testing.assert_close(mask * fft2c(last)[:, None], y)


def test_shared_weights_take_any_number_of_steps_and_others_say_so(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE)
    network = small(awake, shared=True)
    with torch.no_grad():
        for steps in (1, 3, 7):
            assert network(Acquisition(y, mask, maps), steps=steps).states.shape == (steps + 1, 2, *SHAPE)
        torch.testing.assert_close(
            network(Acquisition(y, mask, maps), steps=3).states, network(Acquisition(y, mask, maps)).states
        )
    with pytest.raises(UserError, match="weights of its own for each of its 3 cascades and cannot take 4 steps"):
        small(awake)(Acquisition(y, mask, maps), steps=4)


def test_it_starts_from_noise_where_it_was_built_to(awake, problem, generator):
    y, mask, maps, _ = problem(MASK, SHAPE)
    network, eps = small(awake, s=0.4), randn(2, *SHAPE, generator=generator)
    with torch.no_grad():
        start = network(Acquisition(y, mask, maps), eps=eps).states[0]
    torch.testing.assert_close(start, SenseModel(maps, mask).adjoint(y) + 0.4 * eps)
    with pytest.raises(UserError, match="starts from noise: give it eps"):
        network(Acquisition(y, mask, maps))


def test_on_the_ideal_path_each_cascade_starts_there(awake, problem, generator):
    y, mask, maps, clean = problem(MASK, SHAPE)
    network, eps = small(awake, s=0.4), randn(2, *SHAPE, generator=generator)
    with torch.no_grad():
        states, denoised, _ = network(Acquisition(y, mask, maps), eps=eps, clean=clean)
        for k, t in enumerate(network.t[:-1]):
            ideal = (1 - t) * clean + t * states[0]
            N = network.denoise(ideal, t, SenseModel(maps, mask).adjoint(y), k)
            torch.testing.assert_close(denoised[k], N)


def test_rho_is_the_deviation_of_what_was_denoised(generator):
    network = FLAT(4, 2).double()
    reference = randn(3, *SHAPE, generator=generator)
    noise = torch.stack([0.5 * torch.ones(3, *SHAPE), 0.1j * torch.ones(3, *SHAPE)])
    for _ in range(600):
        network.measure(reference + noise, reference)
    torch.testing.assert_close(network.rho, torch.tensor([0.5, 0.1], dtype=torch.float64) / 2**0.5, rtol=1e-3, atol=0)


def test_time_reaches_what_the_unet_computes(awake, problem):
    y, mask, maps, x = problem(MASK, SHAPE)
    network = small(awake)
    with torch.no_grad():
        early, late = (network.denoise(x, t, x) for t in (0.9, 0.02))
    assert (early - late).norm() > 1e-3 * early.norm()


def test_extra_channels_come_as_they_are(awake, generator):
    network, x = awake(ComplexUnet(4, extra=1).double()), randn(1, 32, 32, generator=generator)
    extra = torch.randn(1, 1, 32, 32, dtype=torch.float64, generator=generator)
    assert not torch.allclose(network(x, extra), network(x, 2 * extra))
    torch.testing.assert_close(network(3 * x, extra), 3 * network(x, extra))


@pytest.mark.parametrize("rule", RULES)
def test_gradients_against_finite_differences(rule, awake, problem, generator):
    """In the data and along a random direction in every weight."""
    y, mask, maps, _ = problem(MASK, SHAPE, coils=2, n=1)
    network = small(awake, rule=rule)
    probe = randn(1, *SHAPE, generator=generator)
    parameters = list(network.parameters())
    directions = [randn(*y.shape, generator=generator)]
    directions += [torch.randn(p.shape, dtype=torch.float64, generator=generator) for p in parameters]
    y.requires_grad_()

    def value():
        return (probe.conj() * network(Acquisition(y, mask, maps)).states.sum(0)).real.sum()

    gradients, step, values = torch.autograd.grad(value(), [y, *parameters]), 1e-7, []
    for sign in (1, -2):  # forward, then from there backward
        with torch.no_grad():
            for each, direction in zip([y, *parameters], directions, strict=True):
                each += sign * step * direction
            values.append(value())
    analytic = sum((g.conj() * d).real.sum() for g, d in zip(gradients, directions, strict=True))
    torch.testing.assert_close(analytic, (values[0] - values[1]) / (2 * step), rtol=1e-5, atol=0)


def test_bf16_keeps_to_complex64(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE, dtype=torch.complex64)
    network = awake(FLAT(**SMALL))
    with torch.no_grad():
        single = network(Acquisition(y, mask, maps)).states
        with torch.autocast("cpu", torch.bfloat16):
            half = network(Acquisition(y, mask, maps)).states
    assert half.dtype == torch.complex64
    assert 0 < (half - single).norm() < 0.05 * single.norm()


def test_an_unknown_rule_is_told():
    with pytest.raises(UserError, match="unknown rule 'mine'; choose one of free, paper, derived"):
        FLAT(rule="mine")


def test_the_small_denoiser_without_normalisation(awake, problem):
    y, mask, maps, x = problem(MASK, SHAPE)
    network = small(awake, backbone="cnn", shared=True)
    with torch.no_grad():
        assert network(Acquisition(y, mask, maps)).states.shape == (4, 2, *SHAPE)
        early, late = (network.denoise(x, t, x) for t in (0.9, 0.02))
        assert (early - late).norm() > 1e-3 * early.norm()
        fresh = FLAT(**SMALL, backbone="cnn").double()
        torch.testing.assert_close(fresh.denoise(x, 0.3, x), x)
    with pytest.raises(UserError, match="unknown backbone 'mine'; choose one of unet, cnn"):
        FLAT(backbone="mine")
