"""The theorems on small discrete problems: exact quantities against enumeration, simulation and closed forms."""

import itertools
import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from mrilab.csgm.theory import (
    best_success,
    fourier_rows,
    gaussian_rows,
    measurements_needed,
    posterior_after,
    posterior_sampling_success,
    trimmed_wasserstein,
)
from mrilab.errors import UserError


def problem(n, m, generator):
    """A random joint distribution of n signals in the plane and m measurements, some of them very telling."""
    joint = torch.rand(n, m, dtype=torch.float64, generator=generator) ** 4
    points = torch.randn(n, 2, dtype=torch.float64, generator=generator)
    return joint / joint.sum(), torch.cdist(points, points)


def test_the_best_algorithm_is_the_best_of_all_of_them(generator):
    joint, distance = problem(4, 3, generator)
    eps = float(distance.flatten().median())
    tried = [
        sum(float(joint[i, j]) for i in range(4) for j in range(3) if distance[i, answers[j]] <= eps)
        for answers in itertools.product(range(4), repeat=3)
    ]
    assert best_success(joint, distance, eps) == pytest.approx(max(tried))


def test_posterior_sampling_success_agrees_with_drawing(generator):
    joint, distance = problem(6, 4, generator)
    eps, draws = float(distance.flatten().median()), 100_000
    pairs = torch.multinomial(joint.flatten(), draws, replacement=True, generator=generator)
    truth, y = pairs // 4, pairs % 4
    guess = torch.multinomial((joint / joint.sum(0)).T[y], 1, generator=generator)[:, 0]
    measured = float((distance[truth, guess] <= eps).double().mean())
    assert posterior_sampling_success(joint, distance, eps) == pytest.approx(measured, abs=5 * 0.5 / math.sqrt(draws))


def test_theorem_3_4_holds_on_random_problems_and_is_not_vacuous(generator):
    """300 problems, 5 radii: 1 - delta within eps means at least (1 - delta)^2 >= 1 - 2 delta within 2 eps."""
    slack, informative = [], 0
    for _ in range(300):
        joint, distance = problem(8, 5, generator)
        for eps in torch.quantile(distance.flatten(), torch.tensor([0.1, 0.2, 0.4, 0.6, 0.8], dtype=torch.float64)):
            best = best_success(joint, distance, float(eps))
            slack.append(posterior_sampling_success(joint, distance, 2 * float(eps)) - best**2)
            informative += best > 0.5  # below, 1 - 2 delta promises nothing
    assert min(slack) >= -1e-12
    assert informative > 500


def test_theorem_3_4_is_tight_when_signals_are_far_apart():
    """Two signals, one measurement that says nothing, prior 1 - delta: posterior sampling errs 2 delta (1 - delta)."""
    delta = 0.01
    joint = torch.tensor([[1 - delta], [delta]], dtype=torch.float64)
    distance = torch.tensor([[0.0, 9.0], [9.0, 0.0]], dtype=torch.float64)
    assert best_success(joint, distance, 1.0) == pytest.approx(1 - delta)
    assert posterior_sampling_success(joint, distance, 2.0) == pytest.approx(1 - 2 * delta * (1 - delta))


def needed(kind, size, alphas, generator, trials=200, limit=60, noise_std=4.0):
    """Measurements until the mean posterior mass on the truth is 0.9. Each signal is one frequency."""
    frequencies = torch.arange(8) * (size // 8) + 1
    signals = torch.exp(2j * torch.pi * frequencies[:, None] * torch.arange(size) / size).to(torch.complex128)
    if kind == "gaussian":
        signals = math.sqrt(2) * signals.real
    prior = torch.stack([torch.tensor([1 - alpha, *[alpha / 7] * 7], dtype=torch.float64) for alpha in alphas])
    mass = torch.zeros(len(alphas), limit + 1, dtype=torch.float64)
    for _ in range(trials):
        rows = (gaussian_rows if kind == "gaussian" else fourier_rows)(limit, size, generator)
        noise = noise_std * torch.randn(2, limit, dtype=torch.float64, generator=generator)
        y = rows @ signals[0] + (noise[0] if kind == "gaussian" else torch.complex(*noise))
        mass += posterior_after(signals, prior, rows, y, noise_std)[..., 0] / trials
    return [measurements_needed(each, 0.9) for each in mass], mass


def test_theorem_3_3_gaussian_measurements_needed_grow_with_the_log_of_the_missing_mass(generator):
    """1 - alpha from 1e-1 to 1e-9, 200 draws of A and noise: a straight line in log(1 / (1 - alpha))."""
    exponents = torch.arange(1, 10, dtype=torch.float64)
    counts, mass = needed("gaussian", 64, (1 - 10**-exponents).tolist(), generator)
    torch.testing.assert_close(mass[:, 0], 10**-exponents, rtol=1e-5, atol=0)  # before the first measurement
    counts = torch.tensor(counts, dtype=torch.float64)
    line = torch.stack([exponents, torch.ones(9, dtype=torch.float64)], 1)
    slope, offset = torch.linalg.lstsq(line, counts[:, None]).solution.flatten()
    assert 0.2 < slope < 10
    assert (counts - slope * exponents - offset).abs().max() <= 1.5  # whole measurements


def test_fourier_measurements_of_fourier_sparse_signals_say_nothing_until_one_hits(generator):
    """60 of 512 frequencies; the truth lights up one of them. Whatever the prior believed, it goes on believing."""
    counts, mass = needed("fourier", 512, [0.9, 0.99], generator)
    assert counts == [None, None]
    hit = 60 / 512
    # one hit of the truth settles it; else there is the prior, or less by the candidates that were ruled out
    assert mass[0, -1] == pytest.approx(hit + (1 - hit) * 0.1, abs=0.08)
    assert mass[1, -1] < 0.25
    gaussian, _ = needed("gaussian", 512, [0.9, 0.99], generator)
    assert max(gaussian) < 20  # the same signals


def test_the_posterior_after_each_measurement_is_bayes_rule(generator):
    signals, prior = torch.randn(4, 6, dtype=torch.float64, generator=generator), torch.tensor([0.1, 0.2, 0.3, 0.4])
    rows, y = gaussian_rows(3, 6, generator), torch.randn(3, dtype=torch.float64, generator=generator)
    posterior = posterior_after(signals, prior.double(), rows, y, 0.7)
    for k in range(4):
        density = torch.distributions.Normal(signals @ rows[:k].T, 0.7).log_prob(y[:k]).sum(1).exp() * prior
        torch.testing.assert_close(posterior[k], density / density.sum())
    with pytest.raises(UserError, match="only 5 Fourier measurements"):
        fourier_rows(6, 5, generator)


def test_fourier_rows_are_rows_of_the_dft(generator):
    rows = fourier_rows(8, 8, generator)
    torch.testing.assert_close(rows @ rows.mH, 8 * torch.eye(8, dtype=torch.complex128))


def line(n, generator):
    weights = torch.rand(n, dtype=torch.float64, generator=generator)
    return torch.randn(n, dtype=torch.float64, generator=generator), weights / weights.sum()


def wasserstein(points_a, weights_a, points_b, weights_b, q=1.0):
    """W_q between two discrete distributions on the line, by their quantiles."""
    order_a, order_b = points_a.argsort(), points_b.argsort()
    a, b = weights_a[order_a].cumsum(0), weights_b[order_b].cumsum(0)
    steps = torch.cat([a, b]).clamp(max=1).sort().values
    widths = steps.diff(prepend=torch.zeros(1, dtype=steps.dtype))
    middle = steps - widths / 2
    gaps = (
        points_a[order_a][torch.searchsorted(a, middle).clamp(max=len(a) - 1)]
        - points_b[order_b][torch.searchsorted(b, middle).clamp(max=len(b) - 1)]
    )
    return float((widths * gaps.abs() ** q).sum() ** (1 / q))


def test_wasserstein_agrees_with_scipy(generator):
    for _ in range(20):
        a, b = line(5, generator), line(7, generator)
        assert wasserstein(*a, *b) == pytest.approx(wasserstein_distance(a[0], b[0], a[1], b[1]))
    shifted = (a[0] + 2, a[1])
    assert wasserstein(*a, *shifted, q=3) == pytest.approx(2)


def test_lemma_b_1_wasserstein_bounds_the_divergence(generator):
    """W_q <= eps implies (delta, delta)-W_inf <= eps / delta^(1/q): 20 pairs of distributions, 3 delta, 2 q."""
    for _ in range(20):
        a, b = line(6, generator), line(6, generator)
        for delta, q in itertools.product((0.05, 0.2, 0.5), (1, 2)):
            assert trimmed_wasserstein(*a, *b, delta, delta) <= wasserstein(*a, *b, q=q) / delta ** (1 / q) + 1e-9


@pytest.mark.parametrize("r", [10.0, 1e3, 1e6])
def test_lemma_b_1_the_divergence_stays_small_where_wasserstein_explodes(r):
    """The paper's own pair: 0 or r against eps or -r, with probability 1 - delta and delta."""
    eps, delta = 0.1, 0.2
    weights = torch.tensor([1 - delta, delta], dtype=torch.float64)
    mu, nu = torch.tensor([0.0, r], dtype=torch.float64), torch.tensor([eps, -r], dtype=torch.float64)
    assert trimmed_wasserstein(mu, weights, nu, weights, delta, delta) == pytest.approx(eps)
    assert trimmed_wasserstein(mu, weights, nu, weights, 0.1, 0.1) >= r - eps  # trimming less does not help
    # quantiles: delta moves from 0 to -r, delta from r to eps, the rest by eps
    for q in (1, 2):
        expected = (delta * r**q + delta * (r - eps) ** q + (1 - 2 * delta) * eps**q) ** (1 / q)
        assert wasserstein(mu, weights, nu, weights, q=q) == pytest.approx(expected)


def test_without_trimming_the_divergence_is_w_infinity(generator):
    a, b = line(5, generator), line(5, generator)
    assert trimmed_wasserstein(*a, *b, 0, 0) == pytest.approx(wasserstein(*a, *b, q=400), rel=0.03)
    with pytest.raises(UserError, match="below 1"):
        trimmed_wasserstein(*a, *b, 1, 0)
