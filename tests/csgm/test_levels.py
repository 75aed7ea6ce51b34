"""Noise levels against the published numbers, and against what the rules promise, by Monte Carlo."""

import math

import pytest
import torch

from mrilab.csgm.levels import (
    check_levels,
    geometric_levels,
    largest_distance,
    level_count,
    level_ratio,
    relative_step,
)
from mrilab.errors import UserError


@pytest.mark.parametrize(
    "side, largest, ratio, count, tolerance",  # of 1 - ratio and of the count, which were noted with few digits
    [(384, 232, 0.99610, 2678, 0.002), (128, 77, 0.98841, 800, 0.012), (64, 39, 0.9771, 375, 0.025)],
)
def test_technique_2_gives_the_known_schedules(side, largest, ratio, count, tolerance):
    gamma = level_ratio(2 * side**2)
    assert 1 - 1 / gamma == pytest.approx(1 - ratio, rel=tolerance)
    assert 1 / gamma == pytest.approx(1 - 3 / math.sqrt(4 * side**2), abs=1e-9)  # 0.99610 at 384
    assert level_count(largest, 0.0066, gamma) == pytest.approx(count, rel=tolerance)


def test_technique_2_makes_half_of_a_level_plausible_at_the_level_above(generator):
    dimension = 512
    gamma = level_ratio(dimension)
    radius = torch.randn(20_000, dimension, generator=generator).norm(dim=1)  # at sigma = 1
    middle, spread = gamma * math.sqrt(dimension), gamma / math.sqrt(2)
    inside = ((radius - middle).abs() < 3 * spread).double().mean()
    assert inside == pytest.approx(0.5, abs=0.02)  # the Gaussian form of the radius is good to 1 / sqrt(D)


def test_technique_4_gives_the_known_step_and_is_a_minimum_of_the_simulated_surplus():
    assert relative_step(1 / 0.995479, 3) == pytest.approx(0.0089, abs=1e-4)
    assert relative_step(1 / 0.995479, 3) * 0.0066**2 == pytest.approx(3.9e-7, rel=0.01)

    def variance(r, ratio=1.3, steps=5):  # the recursion itself, in place of its closed form
        value = ratio**2
        for _ in range(steps):
            value = (1 - r) ** 2 * value + 2 * r
        return value

    best = relative_step(1.3, 5)
    assert variance(best) < min(variance(best * 0.98), variance(best * 1.02))


def test_the_largest_distance_is_that_of_the_farthest_pair(generator):
    images = torch.randn(70, 3, 4, dtype=torch.complex128, generator=generator)
    expected = max(float((a - b).abs().square().sum().sqrt()) for a in images for b in images)
    assert largest_distance(images) == pytest.approx(expected, rel=1e-12)
    assert largest_distance(images.real) < expected


def test_levels_fall_by_a_constant_ratio():
    levels = geometric_levels(232, 0.0066, 2311)
    assert float(levels[0]) == pytest.approx(232) and float(levels[-1]) == pytest.approx(0.0066)
    assert float(levels[1:].div(levels[:-1]).sub(0.995479).abs().max()) < 1e-6
    assert float(levels[1156]) == pytest.approx(1.232, abs=1e-3)  # where the released code starts
    assert check_levels(levels) is levels


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: largest_distance(torch.ones(1, 2, 2)), "at least two images"),
        (lambda: level_ratio(4), "no answer in 4 dimensions"),
        (lambda: geometric_levels(1, 2, 10), "no 10 levels"),
        (lambda: geometric_levels(1, 0.1, 1), "no 1 levels"),
        (lambda: relative_step(1.0, 3), "ratio of levels above 1"),
        (lambda: check_levels(torch.tensor([1.0, 2.0])), "from the largest to the smallest"),
        (lambda: check_levels(torch.tensor([1.0, float("nan")])), "positive numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()
