"""`dds` as a method of `mrilab recon`: its options, its unit, its seed, and what is refused."""

from typing import get_args

import pytest
import torch

from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.methods.registry import available_methods, check_options, method_options
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.sgr import dds as module
from mrilab.sgr import sampling
from mrilab.sgr.dds import Chain, run_chain, time_grid
from mrilab.sgr.recon import dds
from mrilab.sgr.sampling import Sampling

SHAPE = (24, 20)
FEW = {"prior": "score-t2", "samples": 2, "steps": 8, "precision": "float32"}


@pytest.fixture
def problem(generator):
    maps = normalise_maps(complex_noise((3, *SHAPE), generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2))
    return 40 * model.forward(complex_noise(SHAPE, generator)), model


def run(problem, seed=1, **options):
    y, model = problem
    return dds(y, model, generator=torch.Generator().manual_seed(seed), progress=iter, **FEW | options)


def test_it_is_a_method_with_options_and_the_defaults_of_the_chain():
    assert "dds" in available_methods()
    options = method_options("dds")
    assert {"samples", "prior", "grid", "steps", "start", "data_step", "last_step", "eta", "split"} <= set(options)
    assert get_args(options["data_step"].annotation) == ("proximal", "cg", "released")
    assert get_args(options["last_step"].annotation) == ("proximal", "released", "least-squares")
    assert get_args(options["grid"].annotation) == ("geometric", "uniform")
    defaults, chosen = Sampling(), {name: option.default for name, option in options.items()}
    for ours, theirs in {"data_step": "data", "last_step": "last"}.items():
        assert chosen.pop(ours) == getattr(defaults, theirs)
    for name in ("grid", "steps", "start", "eta", "split", "iterations", "relative_noise"):
        assert chosen[name] == getattr(defaults, name) == getattr(module, name.upper(), chosen[name])


def test_it_is_the_chain_in_the_unit_of_the_zero_filled_image(problem):
    y, model = problem
    made = run(problem, scale="zero-filled", eta=0.5, split="constant", data_step="cg", last_step="released")
    prior = ScorePrior("score-t2", precision="float32")
    q = quantile_scale(model.adjoint(y))
    chain = Chain(
        prior.denoise, model.adjoint(y) / q, model, prior.network.sigma_data,
        data="cg", last="released", eta=0.5, split="constant",
    )  # fmt: skip
    grid = time_grid("geometric", 8, module.START, prior.sigma_min, prior.sigma_max)
    expected = run_chain(chain, grid, 2, torch.Generator().manual_seed(1)) * q
    torch.testing.assert_close(made.samples, expected)


def test_mean_deviation_and_samples(problem):
    made = run(problem, samples=3)
    assert made.samples.shape == (3, *SHAPE) and made.samples.dtype == torch.complex64
    torch.testing.assert_close(made.image, made.samples.mean(0))
    torch.testing.assert_close(made.uncertainty, made.samples.abs().std(0))
    assert run(problem, samples=1).uncertainty is None


def test_the_pilot_takes_a_quarter_of_the_steps_and_its_quantile_is_the_unit(problem, monkeypatch):
    calls = []

    def spy(chain, grid, count, generator, **settings):
        images = run_chain(chain, grid, count, generator, **settings)
        calls.append((len(grid), count, images))
        return images

    monkeypatch.setattr(sampling, "run_chain", spy)
    prior = ScorePrior("score-t2", precision="float32")
    y, model = problem
    chain, q = Sampling(steps=8).chain(prior, y, model, torch.Generator().manual_seed(1))
    ((steps, count, image),) = calls
    assert (steps, count) == (2, 1)
    zero_filled = quantile_scale(model.adjoint(y))
    torch.testing.assert_close(q, zero_filled * quantile_scale(image[0]))
    torch.testing.assert_close(chain.adjoint, model.adjoint(y) / q)
    Sampling(steps=8).chain(prior, y, model, torch.Generator(), scale="zero-filled")
    assert len(calls) == 1


def test_a_batch_of_slices_has_a_unit_each(problem):
    y, model = problem
    prior = ScorePrior("score-t2", precision="float32")
    chain, q = Sampling().chain(prior, torch.stack([y, 5 * y]), model, torch.Generator(), scale="zero-filled")
    assert q.shape == (2, 1, 1)
    torch.testing.assert_close(q[1], 5 * q[0])
    torch.testing.assert_close(chain.adjoint[0], chain.adjoint[1])


def test_seeds_decide(problem):
    first, again, other = (run(problem, seed=seed).image for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, other)


def test_a_coil_that_measured_all_gives_its_image(generator):
    """Nothing is missing, and the last step takes the data as they are."""
    model = SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex64), torch.ones(SHAPE, dtype=torch.bool))
    image = complex_noise(SHAPE, generator)
    for last in ("released", "least-squares"):
        made = run((model.forward(image), model), last_step=last, samples=1)
        torch.testing.assert_close(made.image, image, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("coils", [1, 2, 7])
@pytest.mark.parametrize("grid", ["uniform", "geometric"])
def test_any_number_of_coils_and_either_grid(grid, coils, generator):
    maps = normalise_maps(complex_noise((coils, *SHAPE), generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2))
    y = model.forward(complex_noise(SHAPE, generator))
    made = run((y, model), grid=grid, samples=1, steps=20, relative_noise=0.005)
    assert torch.isfinite(made.image.abs()).all()
    assert (model.forward(made.image) - y).norm() < 0.05 * y.norm()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "a chain needs 2 steps or more, not 1"),
        ({"steps": -3}, "a chain needs 2 steps or more, not -3"),
        ({"steps": 2000, "grid": "uniform"}, "the prior knows 932 steps of the diffusion, not 2000"),
        ({"start": 100.0}, "the prior knows noise up to sigma 81.7; start there or below, not at 100"),
        ({"start": 0.0}, "no 8 levels lead from 0 down"),
        ({"samples": 0}, "at least one sample must be drawn, not 0"),
        ({"iterations": 0}, "iterations must be 1 or more"),
        ({"eta": 1.5}, "eta between 0 and 1"),
        ({"relative_noise": -1.0}, "relative_noise must not be negative"),
        ({"prior": "modl-t2"}, "'modl-t2' is not a score prior"),
        ({"prior": "score-t3"}, "no checkpoint 'score-t3'"),
    ],
)
@pytest.mark.parametrize("scale", ["pilot", "zero-filled"])
def test_what_cannot_work_is_one_sentence(scale, options, message, problem):
    with pytest.raises(UserError, match=message):
        run(problem, scale=scale, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_step": "proximl"}, "data_step 'proximl' is not possible; choose one of proximal, cg, released"),
        ({"last_step": "cg"}, "choose one of proximal, released, least-squares"),
        ({"split": "dds"}, "choose one of ddim, constant"),
        ({"grid": "log"}, "choose one of geometric, uniform"),
        ({"step": 30}, "unknown option step; did you mean steps"),
        ({"start": float("nan")}, "start must be a finite number, not nan"),
    ],
)
def test_options_that_there_are_not_are_one_sentence(options, message):
    with pytest.raises(UserError, match=message):
        check_options("dds", options)


def test_data_without_a_signal_are_one_sentence(problem):
    y, model = problem
    with pytest.raises(UserError, match="scale of the data is zero or not finite"):
        run((0 * y, model))
