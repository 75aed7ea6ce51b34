"""Lines of several coils: log-determinants, greedy, exhaustive search."""

import math
from itertools import combinations

import pytest
import torch

from mrilab.infomri.coils import best_order, encoding, lines_information, toy_scan
from mrilab.physics.fourier import fft1c


def weight(n, lines):
    return torch.zeros(n, dtype=torch.float64).index_fill(0, torch.tensor(lines), 1.0)


def test_the_encoding_is_the_transform_of_the_coil_images(generator):
    maps = torch.randn(3, 8, generator=generator, dtype=torch.complex128)
    x = torch.randn(8, generator=generator, dtype=torch.complex128)
    torch.testing.assert_close(torch.einsum("lci,i->cl", encoding(maps), x), fft1c(maps * x, -1))


def test_information_is_the_log_determinant_of_the_data(generator):
    rows, cov, noise = toy_scan(3, 8)
    lines = [1, 4, 5]
    a = rows[lines].reshape(-1, 8)
    data = torch.eye(len(a), dtype=a.dtype) + a @ cov @ a.mH / noise
    found = lines_information(rows, cov, noise, weight(8, lines))
    assert float(found) == pytest.approx(float(torch.linalg.slogdet(data).logabsdet))


def test_one_coil_gives_the_sum_of_independent_lines(generator):
    rows, cov, noise = toy_scan(1, 8)
    spectrum = torch.diagonal(fft1c(fft1c(cov, 0).mH, 0)).real
    lines = [2, 4, 7]
    expected = sum(math.log1p(float(spectrum[k]) / noise) for k in lines)
    assert float(lines_information(rows, cov, noise, weight(8, lines))) == pytest.approx(expected)
    assert sorted(best_order(rows, cov, noise, 3)) == [3, 4, 5]


def best_lines(rows, cov, noise, count):
    """The best of all choices of `count` lines, by trying each."""
    choices = combinations(range(len(rows)), count)
    return list(max(choices, key=lambda lines: float(lines_information(rows, cov, noise, weight(len(rows), lines)))))


def test_greedy_is_near_the_best_of_all_choices(generator):
    rows, cov, noise = toy_scan(4, 12)
    greedy, best = best_order(rows, cov, noise, 4), best_lines(rows, cov, noise, 4)
    gained = [float(lines_information(rows, cov, noise, weight(12, lines))) for lines in (greedy, best)]
    assert 0.95 * gained[1] <= gained[0] <= gained[1] + 1e-9


def test_several_coils_spread_the_lines(generator):
    rows, cov, noise = toy_scan(4, 24)
    several = sorted(best_order(rows, cov, noise, 6))
    rows, cov, noise = toy_scan(1, 24)
    single = sorted(best_order(rows, cov, noise, 6))
    assert max(single) - min(single) == 5 and max(several) - min(several) > 8


def test_gradients_for_the_weights(generator):
    rows, cov, noise = toy_scan(2, 6)
    w = torch.rand(6, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: lines_information(rows, cov, noise, w), (w,))
