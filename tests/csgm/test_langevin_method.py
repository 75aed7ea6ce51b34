"""`langevin` as a method of `mrilab recon`: its options, its unit and what it returns."""

import pytest
import torch

from mrilab.csgm import langevin as module
from mrilab.csgm.langevin import annealed_langevin, langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.methods.registry import posterior_summary
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale

SHAPE = (24, 20)
FEW = {"prior": "score-t2", "levels": 6, "precision": "float32"}


def complex_normal(*shape, generator):
    return complex_noise(shape, generator)


@pytest.fixture
def problem(generator):
    maps = normalise_maps(complex_normal(3, *SHAPE, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2))
    return 40 * model.forward(complex_normal(*SHAPE, generator=generator)), model


def run(problem, seed=1, **options):
    y, model = problem
    return langevin(y, model, generator=torch.Generator().manual_seed(seed), progress=iter, **FEW | options)


def test_it_is_equation_4_with_the_prior_and_the_constants_of_the_module(problem):
    y, model = problem
    made = run(problem, samples=3, scale="zero-filled")
    score = ScorePrior("score-t2", precision="float32")
    expected = annealed_langevin(
        score, y, model, geometric_levels(module.START, score.sigma_min, 6),
        generator=torch.Generator().manual_seed(1), step_lr=module.RELATIVE_STEP * score.sigma_min**2,
        gamma_ratio=module.GAMMA_RATIO, steps_per_level=module.STEPS_PER_LEVEL, samples=3,
    )  # fmt: skip
    assert torch.equal(made.samples, expected)


def test_the_image_is_the_mean_and_the_uncertainty_the_deviation_of_the_magnitude(problem):
    made = run(problem, samples=4)
    assert made.samples.shape == (4, *SHAPE)
    torch.testing.assert_close(made.image, made.samples.mean(0))
    torch.testing.assert_close(made.uncertainty, made.samples.abs().std(0))
    one = run(problem, samples=1)
    assert one.uncertainty is None and torch.equal(one.image, one.samples[0])
    assert posterior_summary(made.samples).samples is made.samples


def test_the_pilot_gives_the_unit(problem, monkeypatch):
    calls = []

    def spy(score, y, model, levels, **settings):
        calls.append((len(levels), settings.get("scale"), settings.get("samples", 1)))
        return annealed_langevin(score, y, model, levels, **settings)

    monkeypatch.setattr(module, "annealed_langevin", spy)
    run(problem, samples=2, levels=16)
    (pilot, no_scale, one), (levels, unit, samples) = calls
    assert (pilot, no_scale, one, levels, samples) == (4, None, 1, 16, 2)
    assert unit.shape == () and 0.2 < unit / quantile_scale(problem[1].adjoint(problem[0])) < 5
    calls.clear()
    run(problem, samples=2, levels=16, scale="zero-filled")
    assert [call[1] for call in calls] == [None]


def test_seeds_decide(problem):
    first, again, other = (run(problem, seed=seed, samples=2).image for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, other)


def test_what_cannot_work_is_one_sentence(problem):
    with pytest.raises(UserError, match="step_lr .* is not possible for these levels"):
        run(problem, relative_step=1.5)
    with pytest.raises(UserError, match="no 1 levels lead"):
        run(problem, levels=1)
    with pytest.raises(UserError, match="samples and steps_per_level must be 1 or more"):
        run(problem, samples=0)
    with pytest.raises(UserError, match="no checkpoint"):
        run(problem, prior="score-x")
