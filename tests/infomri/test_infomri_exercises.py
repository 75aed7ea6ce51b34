"""The solutions of lesson 5's exercises are what the package does, and every mistake gets its own hint."""

import math

import pytest
import torch

from mrilab.infomri.coils import best_order, toy_scan
from mrilab.infomri.draw import Draw, straight_through
from mrilab.infomri.exercises import EXERCISES, pair_entropy, slope
from mrilab.infomri.losses import Posterior, nll
from mrilab.teach.exercises import CORRECT, NOT_ATTEMPTED, respond

MISTAKES = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.mistakes]


@pytest.mark.parametrize("name", EXERCISES)
def test_solutions_pass_and_stubs_are_not_attempted(name):
    exercise = EXERCISES[name]
    assert respond(exercise, exercise.solution) == f"{CORRECT}: {exercise.why}"
    assert respond(exercise, ...) == NOT_ATTEMPTED


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_every_mistake_gets_its_own_hint(name, mistake):
    exercise = EXERCISES[name]
    assert respond(exercise, exercise.mistakes[mistake].answer) == f"not yet: {exercise.mistakes[mistake].hint}"


def test_the_slope_is_that_of_the_package(generator):
    p, u = torch.rand(2, 1, 1, 9, dtype=torch.float64, generator=generator)
    p = p.requires_grad_()
    drawn = Draw((u < p).double().detach(), u, torch.ones(1))
    (found,) = torch.autograd.grad(straight_through(drawn, p).sum(), p)
    torch.testing.assert_close(found, slope(p.detach(), u))


def test_a_pair_has_the_entropy_of_its_covariance():
    s_real, s_imaginary, sigma = 1.3, 0.7, 0.2
    one, sign = torch.ones(2, 2, dtype=torch.float64), torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    noise = sigma**2 * torch.eye(2, dtype=torch.float64)
    determinants = torch.logdet(s_real**2 * one + noise) + torch.logdet(s_imaginary**2 * sign + noise)
    expected = float(determinants) / 2 + 2 * math.log(2 * math.pi * math.e)
    assert pair_entropy(s_real, s_imaginary, sigma) == pytest.approx(expected)


def test_the_answer_about_coils_is_what_the_log_determinant_says():
    spread = [max(order) - min(order) for order in (best_order(*toy_scan(coils, 24), 6) for coils in (1, 4))]
    assert spread[0] == 5 and spread[1] > 8 and EXERCISES["coils"].solution == "c"


def test_the_best_variance_is_a_minimum_of_the_loss():
    errors = torch.tensor([0.3, -1.2, 0.5, 2.0])

    def loss(variance):
        return float(nll(Posterior(torch.zeros(4), torch.full((4,), float(variance))), errors))

    best = float(EXERCISES["variance"].solution(errors))
    assert loss(best) < min(loss(0.9 * best), loss(1.1 * best))
