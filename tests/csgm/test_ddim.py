"""The flow of added noise against the exact posterior of a Gaussian, and as a method."""

import pytest
import torch

from mrilab.csgm.ddim import ETA, ITERATIONS, RELATIVE_NOISE, ddim, noise_flow
from mrilab.csgm.levels import geometric_levels
from mrilab.errors import UserError
from mrilab.evaluation.experiments import find_experiment, read_results
from mrilab.methods.exact import Gaussian
from mrilab.physics import SenseModel, equispaced_mask, fft2c
from mrilab.physics.noise import complex_noise

SHAPE, SPREAD, NOISE = (6, 8), 0.5, 0.1


@pytest.fixture
def problem(generator):
    """A white Gaussian prior seen by one coil: where equation (6) is exact."""
    prior = Gaussian(torch.zeros(SHAPE, dtype=torch.complex128), torch.full(SHAPE, SPREAD**2, dtype=torch.float64))
    model = SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex128), equispaced_mask(SHAPE, 2, acs=2))
    noise = complex_noise((1, *SHAPE), generator, torch.float64)
    y = model.forward(prior.sample(1, generator)[0]) + NOISE * noise * model.mask
    return prior, model, y


def draws(prior, model, y, steps, count, generator, eta=0.0):
    def denoise(x, sigma):
        return x + sigma**2 * prior.score(x, sigma)

    levels = geometric_levels(20.0, 1e-3, steps)
    settings = {"relative_noise": NOISE, "spread": SPREAD, "scale": 1.0, "samples": count, "eta": eta}
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


def test_noise_drawn_anew_keeps_the_mean_and_loses_spread(problem, generator):
    """Where nothing was measured, D = spread^2 / (spread^2 + sigma^2) x, and all variances follow by hand."""
    prior, model, y = problem
    exact = prior.posterior(y, model, NOISE)
    samples = draws(prior, model, y, 8, 4000, generator, eta=1.0)
    torch.testing.assert_close(samples.mean(0), exact.mean, rtol=0, atol=0.05)
    levels = geometric_levels(20.0, 1e-3, 8).tolist()
    variance = levels[0] ** 2  # around A^H y, which is 0 there
    for sigma, then in zip(levels, [*levels[1:], 0.0], strict=True):
        variance = (SPREAD**2 / (SPREAD**2 + sigma**2)) ** 2 * variance + then**2
    away = fft2c(samples - exact.mean)[:, ~model.mask.expand(SHAPE)]
    assert float(away.abs().square().mean() / 2) == pytest.approx(variance, rel=0.05)
    assert variance < 0.8 * SPREAD**2


def test_without_noise_the_data_are_kept(problem, generator):
    prior, model, y = problem
    levels = geometric_levels(1.0, 0.01, 6)
    made = noise_flow(
        lambda x, s: 0.5 * x, y, model, levels, generator=generator, spread=0.5, relative_noise=0, scale=1.0
    )
    torch.testing.assert_close(model.forward(made[0]), y, rtol=1e-6, atol=1e-6)


def test_a_batch_of_scans_has_a_unit_each(problem, generator):
    prior, model, y = problem
    both, levels = torch.stack([y, 3 * y]), geometric_levels(20.0, 1e-3, 30)
    settings = {"spread": SPREAD, "relative_noise": NOISE, "scale": torch.tensor([1.0, 3.0]), "samples": 2000}
    made = noise_flow(lambda x, s: x + s**2 * prior.score(x, s), both, model, levels, generator=generator, **settings)
    assert made.shape == (2000, 2, *SHAPE)
    exact = prior.posterior(y, model, NOISE).mean
    torch.testing.assert_close(
        made.mean(0) / torch.tensor([1.0, 3.0])[:, None, None], exact.expand(2, *SHAPE), rtol=0, atol=0.06
    )


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
        ({"relative_noise": -1.0}, "relative_noise must not be negative"),
        ({"eta": 1.5}, "eta between 0 and 1"),
        ({"scale": 0.0}, "scale of the data is zero"),
    ],
)
def test_what_cannot_work_is_one_sentence(problem, options, message, generator):
    _, model, y = problem
    levels = geometric_levels(1.0, 0.1, 3)
    with pytest.raises(UserError, match=message):
        noise_flow(lambda x, s: x, y, model, levels, generator=generator, **{"spread": 0.5} | options)


def test_the_defaults_are_what_the_stored_tuning_chose():
    """The rule stands in the experiment: the highest mean PSNR of one sample."""
    rows = read_results("ddim_tuning")
    assert len(rows) == len(find_experiment("ddim_tuning").cases())
    assert set(rows["scan"]) == {"heads-t2-val-00", "heads-t2-val-01"}
    means = rows.groupby(["eta", "relative_noise", "iterations"])["psnr"].mean()
    assert means.idxmax() == (ETA, RELATIVE_NOISE, ITERATIONS)
