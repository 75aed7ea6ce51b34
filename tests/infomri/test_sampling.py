"""Where masks come from: learned, fixed, in order."""

import math

import pytest
import torch

from mrilab.errors import UserError
from mrilab.infomri.sampling import KINDS, Fixed, Learned, Ordered, calibration

COUNT = torch.tensor([3, 5, 16])
FULL = (32, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_masks_have_exactly_so_many_samples_and_are_drawn_anew(kind, generator):
    sampling = Fixed(FULL, kind)
    count = COUNT if "lines" in kind else 16 * COUNT
    first, second = (sampling(count, generator).mask for _ in range(2))
    assert first.shape == (3, *sampling.unit) and torch.equal(first.sum((1, 2)).long(), count)
    assert set(first.unique().tolist()) <= {0.0, 1.0} and not torch.equal(first, second)
    assert torch.equal(sampling(count, None).mask, sampling(count, None).mask)


def test_ordered_masks_are_the_first_of_their_order():
    sampling = Ordered((4, 4), "points")
    sampling.order.copy_(torch.arange(15, -1, -1))
    mask = sampling(torch.tensor([2, 5]), None).mask
    assert mask.flatten(1).nonzero()[:, 1].tolist() == [14, 15, 11, 12, 13, 14, 15]


def test_learned_masks_are_exact_in_evaluation_and_close_in_training(generator):
    sampling = Learned((64, 64))
    count = torch.tensor([200, 1000])
    sampling.eval()
    assert torch.equal(sampling(count, generator).mask.sum((1, 2)).long(), count)
    top = sampling(count, None)
    assert torch.equal(top.mask.sum((1, 2)).long(), count) and top.p is not None
    assert (top.p[0][top.mask[0] > 0].min() >= top.p[0][top.mask[0] == 0].max()).all()
    sampling.train()
    drawn = sampling(count, generator)
    assert ((drawn.mask.detach().sum((1, 2)) - count).abs() <= 4.1).all() and drawn.mask.requires_grad


def test_lines_are_exact_in_training_too(generator):
    """eps = 1e-3 is below one line of 64, so the tolerance is half a line."""
    drawn = Learned((64, 64), kind="lines").train()(torch.tensor([4, 7, 20]), generator)
    assert drawn.mask.detach().sum((1, 2)).tolist() == [4, 7, 20]


def test_puerts_estimator_sharpens_from_step_to_step(generator):
    sampling = Learned((16, 16), estimator="puert", steps=10).train()
    slopes = []
    for _ in range(11):
        drawn = sampling(torch.tensor([64]), generator)
        assert drawn.p is not None
        (slope,) = torch.autograd.grad(drawn.mask.sum(), drawn.p)
        slopes.append(float(slope.max()))
    assert slopes[-1] > 5 * slopes[0] and float(sampling.seen) == 11
    sampling.eval()
    sampling(torch.tensor([64]), generator)
    assert float(sampling.seen) == 11  # only training counts


def test_bfloat16_inputs_do_not_round_the_count():
    sampling = Learned((64, 64))
    assert sampling.ratio(torch.tensor([1023])).item() * 4096 == 1023
    assert math.prod(sampling.unit) == 4096


def test_names_and_centres():
    with pytest.raises(UserError, match="unknown way to sample"):
        Fixed(FULL, "spiral")
    assert (calibration(64, 4), calibration(64, 16), calibration(64, 2)) == (2, 5, 1)
