"""Draws with rejection, top-k, and the estimators of their gradient."""

from itertools import product

import pytest
import torch

from mrilab.errors import UserError
from mrilab.infomri.draw import ESTIMATORS, Draw, draw, straight_through, tolerance, top_k


def test_rejection_draws_the_law_of_exact_counts(generator):
    p = torch.rand(10, generator=generator)
    exact = {}
    for bits in product((0, 1), repeat=10):
        if sum(bits) == 4:
            m = torch.tensor(bits, dtype=torch.float64)
            exact[bits] = float((p.double() ** m * (1 - p.double()) ** (1 - m)).prod())
    total, n = sum(exact.values()), 40_000
    drawn = draw(p.expand(n, 1, 10), torch.full((n,), 4), generator).mask[:, 0]
    assert (drawn.sum(1) == 4).all()
    marginal = sum(torch.tensor(bits, dtype=torch.float64) * weight for bits, weight in exact.items()) / total
    torch.testing.assert_close(drawn.double().mean(0), marginal, atol=0.01, rtol=0)
    most = max(exact, key=exact.get)
    share = float((drawn == torch.tensor(most, dtype=torch.float32)).all(1).double().mean())
    assert share == pytest.approx(exact[most] / total, abs=0.01)


def test_counts_are_within_the_tolerance_and_tries_are_counted(generator):
    p = torch.full((16, 64, 64), 0.25)
    drawn = draw(p, torch.full((16,), 1024.0), generator, tolerance(64 * 64))
    assert ((drawn.mask.sum((1, 2)) - 1024).abs() <= 4.1).all()
    assert drawn.tries.min() >= 1 and 1 < drawn.tries.mean() < 20
    assert tolerance(64) == 0.5


def test_tries_are_bounded_and_the_least_certain_positions_flip(generator):
    p = torch.cat([torch.full((8,), 0.99), torch.full((8,), 0.4), torch.full((48,), 0.01)]).reshape(1, 1, 64)
    drawn = draw(p, torch.tensor([20]), generator)  # hopeless by chance
    assert drawn.mask.sum() == 20 and drawn.tries == 50
    few = draw(torch.full((1, 1, 64), 0.9), torch.tensor([3]), generator)
    assert few.mask.sum() == 3


def test_top_k_takes_the_most_probable():
    p = torch.tensor([[[0.1, 0.9, 0.5, 0.7]], [[0.1, 0.9, 0.5, 0.7]]])
    assert top_k(p, torch.tensor([2, 3])).tolist() == [[[0, 1, 0, 1]], [[0, 1, 1, 1]]]


@pytest.mark.parametrize("estimator", ["sigmoid", "identity", "puert"])
def test_straight_through_moves_no_value(estimator, generator):
    p = torch.rand(3, 1, 64, generator=generator).requires_grad_()
    drawn = draw(p, (p.sum((1, 2))).round(), generator)
    m = straight_through(drawn, p, estimator)
    assert torch.equal(m, drawn.mask)
    (slope,) = torch.autograd.grad(m.sum(), p)
    assert (slope >= 0).all() and slope.max() > 0


def test_the_slopes_are_those_of_the_papers():
    p = torch.tensor([[[0.3, 0.8]]], dtype=torch.float64, requires_grad=True)
    u = torch.tensor([[[0.5, 0.75]]], dtype=torch.float64)
    drawn = Draw((u < p).double(), u, torch.ones(1))
    d = (p - u).detach()
    for name, t, slope in (
        ("sigmoid", 1.0, 10 * torch.sigmoid(10 * d) * torch.sigmoid(-10 * d)),
        ("identity", 1.0, torch.ones_like(d)),
        ("puert", 0.1, 10 * 0.1 * (1 - torch.tanh(0.2 * d) ** 2)),
        ("puert", 5.0, 5 * (1 - torch.tanh(10 * d) ** 2)),
        ("soft", 1.0, 12 * torch.sigmoid(12 * d) * torch.sigmoid(-12 * d)),
    ):
        (found,) = torch.autograd.grad(straight_through(drawn, p, name, t).sum(), p)
        torch.testing.assert_close(found, slope)
    soft = straight_through(drawn, p, "soft")
    assert ((soft > 0) & (soft < 1)).all() and "soft" in ESTIMATORS
    with pytest.raises(UserError, match="unknown estimator"):
        straight_through(drawn, p, "gumbel")
