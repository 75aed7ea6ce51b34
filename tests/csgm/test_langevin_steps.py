"""The sampler step by step: the update by hand, scale, batches, what it refuses and when it stops."""

import math

import pytest
import torch

from mrilab.csgm.langevin import annealed_langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.errors import UserError
from mrilab.methods.exact import Gaussian
from mrilab.physics import SenseModel, normalise_maps
from mrilab.physics.noise import complex_noise

SHAPE = (6, 7)
LEVELS = geometric_levels(2.0, 0.05, 12)
STEP = 0.2 * 0.05**2  # a fifth of sigma_L^2


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def complex_normal(*shape, generator, dtype=torch.float64):
    return complex_noise(shape, generator, dtype)


@pytest.fixture
def prior(generator):
    return Gaussian(complex_normal(*SHAPE, generator=generator), torch.full(SHAPE, 0.5, dtype=torch.float64))


@pytest.fixture
def model(generator):
    maps = normalise_maps(complex_normal(3, *SHAPE, generator=generator))
    return SenseModel(maps, torch.tensor([[True, False, True, True, False, True, False]]))


@pytest.fixture
def y(model, prior, generator):
    return model.forward(prior.sample(1, generator)[0])


def test_one_step_is_equation_4_as_printed(prior, model, y):
    levels, step_lr, noise_std, q = torch.tensor([0.8, 0.4], dtype=torch.float64), 0.03, 0.3, 1.7
    sampled = annealed_langevin(
        prior.score, y, model, levels, generator=seeded(), step_lr=step_lr, noise_std=noise_std, gamma_ratio=1.5,
        steps_per_level=1, samples=2, scale=q,
    )  # fmt: skip
    noise = seeded()
    x = complex_normal(2, *SHAPE, generator=noise)
    for sigma in (0.8, 0.4):
        eta, gamma = step_lr * (sigma / 0.4) ** 2, 1.5 * sigma
        pull = (model.adjoint(y / q) - model.adjoint(model.forward(x))) / (gamma**2 + (noise_std / q) ** 2)
        zeta = complex_normal(2, *SHAPE, generator=noise)
        x = x + eta * (prior.score(x, sigma) + pull) + math.sqrt(2 * eta) * zeta
    x = x + 0.4**2 * prior.score(x, 0.4)
    torch.testing.assert_close(sampled, q * x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("factor", [1e-6, 3e4])
def test_the_scale_of_the_data_is_the_scale_of_the_samples(dtype, factor, prior, model, y):
    model = SenseModel(model.coil_maps.to(dtype), model.mask)

    def score(x, sigma):
        return prior.score(x, sigma).to(x.dtype)

    settings = {"step_lr": STEP, "samples": 3}
    one, other = (
        annealed_langevin(score, f * y.to(dtype), model, LEVELS, generator=seeded(), noise_std=0.1 * f, **settings)
        for f in (1, factor)
    )
    assert one.dtype == dtype and not one.is_inference()
    difference = (other / factor - one).abs().max() / one.abs().max()
    assert difference < (1e-6 if dtype == torch.complex128 else 1e-4)  # 36 steps of single-precision rounding


def test_a_batch_of_scans_is_each_scan_on_its_own(prior, model, y):
    """Two scans of one sample see the same noise as one scan of two samples, so the images must be the same."""
    scans = torch.stack([y, 1e-6 * y.roll(1, -3)])

    def run(y, samples):
        return annealed_langevin(prior.score, y, model, LEVELS, generator=seeded(), step_lr=STEP, samples=samples)

    together = run(scans, 1)
    assert together.shape == (1, 2, *SHAPE)
    for n in range(2):
        torch.testing.assert_close(together[0, n], run(scans[n], 2)[n], rtol=1e-9, atol=0)


def test_the_final_step_is_the_mean_of_the_clean_image(prior, model, y):
    def run(denoise):
        return annealed_langevin(
            prior.score, y, model, LEVELS, generator=seeded(), step_lr=STEP, scale=1.0, denoise=denoise
        )

    noisy, sigma = run(False), float(LEVELS[-1])
    shrink = 0.5 / (0.5 + sigma**2)  # E[clean | noisy] of a Gaussian of variance 0.5
    torch.testing.assert_close(run(True), prior.mean + shrink * (noisy - prior.mean))


def test_the_seed_decides_and_nothing_else(prior, model, y):
    def run(seed):
        return annealed_langevin(prior.score, y, model, LEVELS, generator=seeded(seed), step_lr=STEP, samples=2)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))
    assert not torch.equal(run(1)[0], run(1)[1])


def test_the_chain_works_in_one_buffer_along_the_levels(prior, model, y):
    seen = []

    def score(x, sigma):
        seen.append((x.data_ptr(), sigma))
        return prior.score(x, sigma)

    annealed_langevin(score, y, model, LEVELS, generator=seeded(), step_lr=STEP, steps_per_level=2, samples=2)
    assert len({pointer for pointer, _ in seen}) == 1
    expected = [sigma for sigma in LEVELS.tolist() for _ in range(2)]
    assert [sigma for _, sigma in seen] == [*expected, float(LEVELS[-1])]  # and once to denoise


def test_progress_and_the_trace_follow_the_levels(prior, model, y):
    wrapped, steps = [], []

    def progress(levels):
        wrapped.append(levels)
        return levels

    samples = annealed_langevin(
        prior.score, y * 1e-6, model, LEVELS, generator=seeded(), step_lr=STEP, samples=3, denoise=False,
        progress=progress, callback=steps.append,
    )  # fmt: skip
    assert [len(levels) for levels in wrapped] == [len(LEVELS)] and len(steps) == len(LEVELS)
    last = steps[-1]
    torch.testing.assert_close(last.image, samples)
    expected = torch.stack([(model.forward(each) - y * 1e-6).norm() / (y * 1e-6).norm() for each in samples])
    torch.testing.assert_close(last.residual, expected)
    assert float(last.sigma / steps[0].sigma) == pytest.approx(0.05 / 2.0)
    assert last.residual.max() < steps[0].residual.min()
    assert 1e-9 < float(last.sigma) < 1e-6  # in units of the data
    assert not torch.equal(steps[0].image, steps[1].image)  # copies, not the buffer


def test_values_that_are_not_finite_stop_the_chain_at_their_level(prior, model, y):
    calls = []

    def score(x, sigma):
        calls.append(sigma)
        return prior.score(x, sigma) * (math.nan if sigma < 0.5 else 1)

    bad = next(n for n, sigma in enumerate(LEVELS.tolist()) if sigma < 0.5)
    with pytest.raises(UserError, match=rf"no longer finite at noise level {bad + 1} \(sigma 0\.\d+\)"):
        annealed_langevin(score, y, model, LEVELS, generator=seeded(), step_lr=STEP, steps_per_level=2)
    assert len(calls) == 2 * (bad + 1)


def point_mass(x, sigma):
    """The steepest score that there is: -1 / sigma^2."""
    return -x / sigma**2


def test_equation_4_is_stable_up_to_its_bound_and_refused_beyond(model, y):
    """At gamma = sigma, without noise, the curvature is at most 2 / sigma^2: step_lr may reach sigma_L^2."""
    settings = {"generator": seeded(), "steps_per_level": 200, "scale": 1.0, "denoise": False}
    full = SenseModel(model.coil_maps, torch.ones(1, 7, dtype=torch.bool))  # all eigenvalues of A^H A are 1
    samples = annealed_langevin(point_mass, y, full, LEVELS, step_lr=0.98 * 0.05**2, **settings)
    assert samples.abs().max() < 10 * y.abs().max()
    with pytest.raises(UserError, match="must be between 0 and 2"):
        annealed_langevin(point_mass, y, full, LEVELS, step_lr=1.02 * 0.05**2, **settings)
    with pytest.raises(UserError, match="must be between 0 and 2"):
        annealed_langevin(point_mass, y, full, LEVELS, step_lr=-1e-6, **settings)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"levels": LEVELS.flip(0)}, "from the largest to the smallest"),
        ({"samples": 0}, "must be 1 or more"),
        ({"steps_per_level": 0}, "must be 1 or more"),
        ({"noise_std": -1.0}, "must not be negative"),
        ({"gamma_ratio": 0.0}, "not both 0"),
        ({"scale": 0.0}, "scale of the data is zero"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message, prior, model, y):
    settings = {"levels": LEVELS, "generator": seeded(), "step_lr": STEP} | change
    with pytest.raises(UserError, match=message):
        annealed_langevin(prior.score, y, model, **settings)


def test_a_scan_without_signal_is_refused(prior, model, y):
    with pytest.raises(UserError, match="check that k-space holds a signal"):
        annealed_langevin(prior.score, 0 * y, model, LEVELS, generator=seeded(), step_lr=STEP)
