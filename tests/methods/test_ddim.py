"""The flow of added noise against the exact posterior of a Gaussian, and as a method."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.methods.ddim import ddim, noise_flow
from mrilab.methods.exact import Gaussian
from mrilab.physics import SenseModel, equispaced_mask
from mrilab.training.noise_levels import geometric_levels

SHAPE, SPREAD, NOISE = (6, 8), 0.5, 0.1


@pytest.fixture
def problem(generator):
    """A white Gaussian prior seen by one coil: where equation (6) is exact."""
    prior = Gaussian(torch.zeros(SHAPE, dtype=torch.complex128), torch.full(SHAPE, SPREAD**2, dtype=torch.float64))
    model = SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex128), equispaced_mask(SHAPE, 2, acs=2))
    noise = torch.view_as_complex(torch.randn(1, *SHAPE, 2, dtype=torch.float64, generator=generator))
    y = model.forward(prior.sample(1, generator)[0]) + NOISE * noise * model.mask
    return prior, model, y


def draws(prior, model, y, steps, count, generator):
    def denoise(x, sigma):
        return x + sigma**2 * prior.score(x, sigma)

    levels = geometric_levels(20.0, 1e-3, steps)
    settings = {"noise_std": NOISE, "spread": SPREAD, "scale": 1.0, "samples": count}
    return noise_flow(denoise, y, model, levels, generator=generator, **settings)


def test_many_steps_draw_from_the_exact_posterior_and_few_spread_too_little(problem, generator):
    prior, model, y = problem
    exact = prior.posterior(y, model, NOISE)
    ratios = {}
    for steps in (5, 20, 400):
        samples = draws(prior, model, y, steps, 4000, generator)
        torch.testing.assert_close(samples.mean(0), exact.mean, rtol=0, atol=0.05)
        away = (samples - exact.mean).flatten(1) @ exact.basis.conj()
        ratios[steps] = float((away.abs().square().mean(0) / 2 / exact.variance).mean())
    assert ratios[5] < ratios[20] < ratios[400]
    assert ratios[400] == pytest.approx(1, abs=0.05)
    assert ratios[5] < 0.6


def test_without_noise_the_data_are_kept(problem, generator):
    prior, model, y = problem
    levels = geometric_levels(1.0, 0.01, 6)
    made = noise_flow(lambda x, s: 0.5 * x, y, model, levels, generator=generator, spread=0.5, scale=1.0)
    torch.testing.assert_close(model.forward(made[0]), y, rtol=1e-6, atol=1e-6)


def test_a_batch_of_scans_is_each_alone(problem, generator):
    _, model, y = problem
    both, levels = torch.stack([y, 2 * y]), geometric_levels(1.0, 0.01, 6)
    settings = {"spread": 0.5, "noise_std": 0.1, "scale": torch.tensor([1.0, 2.0])}
    made = noise_flow(lambda x, s: 0.5 * x, both, model, levels, generator=torch.Generator().manual_seed(1), **settings)
    assert made.shape == (1, 2, *SHAPE)
    assert not torch.allclose(made[0, 1], 2 * made[0, 0])  # the noise of the data is less beside it


def test_as_a_method_it_gives_mean_deviation_and_samples(generator):
    model = SenseModel(torch.ones(1, 24, 24, dtype=torch.complex64), equispaced_mask((24, 24), 2, acs=6))
    y = model.forward(torch.randn(24, 24, dtype=torch.complex64, generator=generator))
    few = {"prior": "score-t2", "samples": 2, "steps": 4}
    made = ddim(y, model, generator=generator, progress=iter, **few)
    assert made.samples.shape == (2, 24, 24) and made.uncertainty.shape == (24, 24)
    torch.testing.assert_close(made.image, made.samples.mean(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples and iterations must be 1 or more"),
        ({"noise_std": -1.0}, "noise_std must not be negative"),
        ({"scale": 0.0}, "scale of the data is zero"),
    ],
)
def test_what_cannot_work_is_one_sentence(problem, options, message, generator):
    _, model, y = problem
    levels = geometric_levels(1.0, 0.1, 3)
    with pytest.raises(UserError, match=message):
        noise_flow(lambda x, s: x, y, model, levels, generator=generator, **{"spread": 0.5} | options)
