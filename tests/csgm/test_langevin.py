"""The sampler against exact posteriors. Gaussian priors: 40 levels of 60 steps, step_lr / sigma_L^2 = 0.05, float64."""

import math

import pytest
import torch
from scipy import stats

from mrilab.csgm.langevin import annealed_langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.methods.exact import Gaussian, MatrixModel, Mixture
from mrilab.physics import SenseModel, centre_pad, ifft2c, normalise_maps
from mrilab.physics.noise import complex_noise

LEVELS = geometric_levels(2.5, 0.2, 40)
SETTINGS = {"step_lr": 0.05 * 0.2**2, "steps_per_level": 60, "denoise": False, "scale": 1.0}


def complex_normal(*shape, generator):
    return complex_noise(shape, generator, torch.float64)


def fourier_prior(shape, generator):
    """Strong low frequencies, weak high ones: variances from 0.1 to 1.5 per real component."""
    rows, columns = (torch.arange(n, dtype=torch.float64) - n // 2 for n in shape)
    radius = (rows[:, None] ** 2 + columns[None, :] ** 2).sqrt()
    return Gaussian(complex_normal(*shape, generator=generator), 0.1 + 1.4 / (1 + radius**2 / 4), "fourier")


def acquisition(shape, coils, kind, generator):
    width = 1 if coils == 1 else 3  # of the maps' spectrum: one coil sees everything alike, more see smooth maps
    maps = normalise_maps(ifft2c(centre_pad(complex_normal(coils, width, width, generator=generator), shape)))
    size = {"lines": (1, shape[1]), "rows": (shape[0], 1), "points": shape}[kind]
    mask = torch.rand(size, generator=generator) < 0.4
    mask[size[0] // 2, size[1] // 2] = True
    return SenseModel(maps, mask)


def measure(model, x, noise_std, generator):
    y = model.forward(x)
    return y + noise_std * complex_normal(*y.shape, generator=generator) * model.mask[..., None, :, :]


@pytest.mark.parametrize(
    "shape, coils, kind",
    [((8, 8), 1, "lines"), ((8, 9), 4, "lines"), ((9, 8), 4, "points"), ((12, 12), 1, "points"), ((8, 8), 2, "rows")],
)
def test_a_gaussian_posterior_is_reached(shape, coils, kind, generator):
    """256 samples, 2400 steps. The target: prior smoothed by sigma_L, data variance noise_std^2 + gamma_L^2."""
    prior, model = fourier_prior(shape, generator), acquisition(shape, coils, kind, generator)
    noise_std, gamma_ratio = 0.05, 0.8
    y = measure(model, prior.sample(1, generator)[0], noise_std, generator)
    samples = annealed_langevin(
        prior.score, y, model, LEVELS, generator=generator, samples=256, noise_std=noise_std, gamma_ratio=gamma_ratio,
        **SETTINGS,
    )  # fmt: skip
    sigma = float(LEVELS[-1])
    exact = prior.posterior(y, model, math.hypot(noise_std, gamma_ratio * sigma), sigma)

    mean = samples.mean(0)
    residual = (model.forward(mean) - model.forward(exact.mean)).norm() / y.norm()
    assert residual < 0.02

    # directions that the data leaves open: the exact posterior there is far wider than the data alone would make it
    spread = (samples - mean).flatten(1) @ exact.basis.conj()  # (samples, H W)
    measured = spread.abs().square().sum(0) / 2 / (len(samples) - 1)
    unsampled = exact.variance > 4 * (noise_std**2 + (gamma_ratio * sigma) ** 2)
    ratio, ratio_sampled = (
        (measured[each].sum() / exact.variance[each].sum()).sqrt() for each in (unsampled, ~unsampled)
    )
    assert 10 < unsampled.sum() < mean.numel() - 10
    assert 0.97 < ratio < 1.03
    assert 0.97 < ratio_sampled < 1.03

    # every direction at once, in units of the exact deviation there. Directions that the data barely determines
    # relax slowly, so that with several coils the chain lags there: its mean is off by up to 5 % of that deviation
    surprise = 2 * (exact.log_density(exact.mean) - exact.log_density(mean)) / (2 * mean.numel())
    assert surprise - 1 / len(samples) < 0.1**2  # 1 / 256 is what as many exact draws give
    draws = exact.sample(len(samples), generator)
    assert distance_from_one(samples, exact) < 1.1 * distance_from_one(draws, exact)


def distance_from_one(samples, exact):
    white = (samples - exact.mean).flatten(1) @ exact.basis.conj() / exact.variance.sqrt()
    return (white.mT @ white.conj() / 2 / len(samples) - torch.eye(white.shape[1])).norm()


def uniform_p_value(samples, truth, statistic):
    """Chi-square p-value of the ranks of the truth among its samples: (K, problems, H, W) and (problems, H, W)."""
    ranks = (statistic(samples) < statistic(truth)).sum(0)  # (problems,), 0 to K
    return stats.chisquare(torch.bincount(ranks, minlength=len(samples) + 1).numpy()).pvalue


@pytest.mark.parametrize("coils, kind", [(1, "lines"), (3, "points")])
def test_the_ranks_of_the_truth_are_uniform(coils, kind, generator):
    """Simulation-based calibration (Talts et al. 2018): 256 problems, 15 samples each, 960 steps, 16 bins, 1 %."""
    shape, problems, levels, gamma_ratio = (4, 5), 256, geometric_levels(2.0, 0.2, 48), 1.0
    prior, model = fourier_prior(shape, generator), acquisition(shape, coils, kind, generator)
    sigma = float(levels[-1])
    truth = prior.sample(problems, generator, sigma)
    y = measure(model, truth, math.hypot(0.1, gamma_ratio * sigma), generator)
    settings = SETTINGS | {"step_lr": 0.05 * sigma**2, "steps_per_level": 20}
    samples = annealed_langevin(
        prior.score, y, model, levels, generator=generator, samples=15, noise_std=0.1, gamma_ratio=gamma_ratio,
        **settings,
    )  # fmt: skip
    direction = complex_normal(problems, *shape, generator=generator)
    statistics = {
        "linear": lambda x: (x * direction.conj()).sum((-2, -1)).real,
        "energy": lambda x: x.abs().square().sum((-2, -1)),
        "density": lambda x: prior.log_density(x, sigma),
    }
    for name, statistic in statistics.items():
        assert uniform_p_value(samples, truth, statistic) > 0.01, name
    # the test has teeth: half the spread is found out
    mean = samples.mean(0)
    assert uniform_p_value(mean + 0.5 * (samples - mean), truth, statistics["linear"]) < 1e-3


def toy(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_a_mixture_in_one_dimension():
    """40000 chains, 1200 steps, 60 bins; modes that chains can still cross between at the last level."""
    parts = [Gaussian(toy([-1.0]), toy([0.09])), Gaussian(toy([1.0]), toy([0.16]))]
    mixture, model, y = Mixture(toy(0.4, 0.6), parts), MatrixModel(toy([1.0])), toy([0.15])
    levels = torch.cat([geometric_levels(2.0, 0.41, 30), torch.tensor([0.4], dtype=torch.float64)])
    samples = annealed_langevin(
        mixture.score, y, model, levels, generator=torch.Generator().manual_seed(1), step_lr=0.04 * 0.16,
        noise_std=0.8, gamma_ratio=0.5, steps_per_level=40, samples=40_000, denoise=False, scale=1.0,
    )  # fmt: skip
    posterior = mixture.posterior(y, model, math.hypot(0.8, 0.2), 0.4)
    edges = torch.linspace(-3, 3, 61, dtype=torch.float64)
    fine = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    density = posterior.log_density(fine[:, None, None]).exp()
    exact = torch.stack([torch.trapezoid(part, dx=1e-3) for part in density.unfold(0, 101, 100)])
    measured = torch.histogram(samples.flatten(), edges)[0] / len(samples)
    assert (measured - exact).abs().sum() / 2 < 0.02


def test_a_mixture_in_two_dimensions_measured_along_one():
    """20000 chains, 1200 steps, 24 x 24 bins. y fixes x1 roughly; along x2 the posterior has two modes."""
    centres, weights = ([-1.0, -0.8], [-1.0, 1.0], [1.2, 0.0]), toy(0.3, 0.3, 0.4)
    mixture = Mixture(weights, [Gaussian(toy(centre), toy([0.1, 0.15])) for centre in centres])
    model, y = MatrixModel(toy([1.0, 0.0])), toy([-0.5])
    levels = torch.cat([geometric_levels(2.0, 0.41, 30), torch.tensor([0.4], dtype=torch.float64)])
    samples = annealed_langevin(
        mixture.score, y, model, levels, generator=torch.Generator().manual_seed(2), step_lr=0.04 * 0.16,
        noise_std=0.5, gamma_ratio=0.5, steps_per_level=40, samples=20_000, denoise=False, scale=1.0,
    )[:, 0]  # fmt: skip
    posterior = mixture.posterior(y, model, math.hypot(0.5, 0.2), 0.4)
    edges = torch.linspace(-3, 3, 25, dtype=torch.float64)
    draws = posterior.sample(1_000_000, torch.Generator().manual_seed(3))[:, 0]
    same_size = posterior.sample(len(samples), torch.Generator().manual_seed(4))[:, 0]

    def histogram(points):
        return torch.histogramdd(points, [edges, edges])[0] / len(points)

    distance = [float((histogram(each) - histogram(draws)).abs().sum() / 2) for each in (samples, same_size)]
    assert distance[0] < 1.25 * distance[1]  # total variation, beside that of as many exact draws
