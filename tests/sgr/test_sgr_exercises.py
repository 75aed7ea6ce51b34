"""The solutions of lesson 4's exercises are what the package does; their hints are tested with those of all lessons."""

import torch

from mrilab.sgr.dds import Chain
from mrilab.sgr.exercises import P, Q, disarming_eta, gamma, largest, masked_up
from mrilab.sgr.guidance import step_length, up_loss


def test_the_masked_loss_is_that_of_the_guidance():
    for p, c in ((P, 0), (P, 2), (Q, 3)):
        assert torch.allclose(masked_up(p, c), up_loss(p.log()[None], c)[0])


def test_the_cap_is_that_of_the_guidance(generator):
    eps, gradient = torch.randn(2, 3, 6, 5, dtype=torch.complex64, generator=generator)
    gradient = gradient * torch.tensor([0.01, 0.2, 9.0])[:, None, None]
    expected = step_length(gradient, eps, 0.2).flatten()
    assert torch.allclose(torch.stack([gamma(g, e, 0.2) for g, e in zip(gradient, eps, strict=True)]), expected)
    assert expected[0] == 1 and expected[2] < 0.1


def test_at_that_eta_a_step_does_not_use_epsilon():
    zero, one = torch.zeros(1, 1, dtype=torch.complex128), torch.ones(1, 1, dtype=torch.complex128)

    def left(abar, before, **settings):
        return Chain(lambda x, sigma: x, one, None, 1.0, **settings).previous(zero, one, zero, abar, before)

    for abar, before in ((0.5, 0.7), (0.999, 0.9995)):
        eta = disarming_eta(abar, before)
        assert abs((1 - before) * (1 - eta**2 * Chain(lambda x, s: x, one, None, 1.0).share(abar, before))) < 1e-12
        assert torch.equal(left(abar, before, split="constant"), zero)
        assert left(abar, before).abs() > 0


def test_the_largest_are_that_many_and_none_of_the_rest_is_larger():
    for n in (0, 1, 7, 20):
        mask = largest(P[1], n)
        assert int(mask.sum()) == n
        assert n in (0, 20) or P[1][mask].min() >= P[1][~mask].max()
