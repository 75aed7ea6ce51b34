"""Both normalisations of the pattern network's probabilities."""

import pytest
import torch

from mrilab.infomri.normalisation import NORMALISATIONS, rescale, threshold

R = torch.tensor([0.01, 0.0625, 0.25, 0.5, 0.9, 1.0])


@pytest.mark.parametrize("name", NORMALISATIONS)
@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0, 100.0])
def test_the_mean_is_the_ratio_and_probabilities_are_probabilities(name, spread, generator):
    logits = spread * torch.randn(len(R) - 1, 4096, generator=generator)
    p = NORMALISATIONS[name](logits, R[:-1])
    torch.testing.assert_close(p.mean(1), R[:-1], atol=2e-4, rtol=0)
    assert p.min() >= 0 and p.max() <= 1 + 1e-6 and p.isfinite().all()


def test_rescale_is_loupes_formula(generator):
    p = torch.sigmoid(torch.randn(6, 100, generator=generator, dtype=torch.float64))
    r = R.double()
    # as LOUPE's RescaleProbMap has it
    ratio, beta = r / p.mean(1), (1 - r) / (1 - p.mean(1))
    less = (ratio <= 1).double()[:, None]
    theirs = less * p * ratio[:, None] + (1 - less) * (1 - (1 - p) * beta[:, None])
    torch.testing.assert_close(rescale(torch.logit(p), r), theirs)


@pytest.mark.parametrize("normalise", [rescale, threshold])
def test_gradients_are_those_of_differences(normalise, generator):
    # in float64 the bisection ends at 26 steps; what is left of the offset moves the value, not the gradient
    logits = torch.randn(2, 12, generator=generator, dtype=torch.float64).requires_grad_()
    weights = torch.randn(2, 12, generator=generator, dtype=torch.float64)
    r = torch.tensor([0.2, 0.6], dtype=torch.float64)
    (gradient,) = torch.autograd.grad((weights * normalise(logits, r)).sum(), logits)
    step = 1e-3
    for place in ((0, 0), (1, 7)):
        change = torch.zeros_like(logits)
        change[place] = step
        with torch.no_grad():
            up, down = ((weights * normalise(logits + sign * change, r)).sum() for sign in (1, -1))
        assert float(gradient[place]) == pytest.approx(float(up - down) / (2 * step), abs=1e-4)


def test_the_gradient_of_threshold_keeps_the_mean(generator):
    logits = torch.randn(1, 50, generator=generator).requires_grad_()
    threshold(logits, torch.tensor([0.3])).sum().backward()
    assert logits.grad.abs().max() < 1e-5


def test_a_decided_pattern_has_no_gradient_and_no_nan():
    logits = torch.tensor([[1000.0] * 10 + [-1000.0] * 30]).requires_grad_()
    p = threshold(logits, torch.tensor([0.25]))
    p[0, :5].sum().backward()
    assert p.mean().item() == pytest.approx(0.25, abs=1e-6) and logits.grad.isfinite().all()
