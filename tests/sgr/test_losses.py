"""Losses and volumes against loops over pixels, with ties, and where the network is sure."""

import math

import pytest
import torch

from mrilab.sgr.guidance import low_loss, up_loss
from mrilab.sgr.volume import indicator, volume

# p has ties for the largest value, also between the class and the background
LOGITS = torch.tensor(
    [[[0.0, 1.0, 1.0, 2.0, -1.0, 3.0], [1.0, 1.0, 0.5, 2.0, -1.0, -3.0], [0.5, -2.0, 1.0, 2.0, 4.0, 1.0]]]
)


def by_loop(logits, c, up, masked):
    """Equations (8) to (12), pixel by pixel: logits (channel, H, W) -> a number."""
    total = 0.0
    for row in range(logits.shape[1]):
        for column in range(logits.shape[2]):
            z = logits[:, row, column].tolist()
            p = [math.exp(a) / sum(math.exp(b) for b in z) for a in z]
            inside = all(z[c] > z[other] for other in range(len(z)) if other != c)
            if up and not (masked and inside):
                total -= math.log(1 - p[c])
            if not up and not (masked and not inside):
                total -= math.log(p[c])
    return total


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("c", [0, 1, 2])
@pytest.mark.parametrize("kind", ["random", "ties"])
def test_losses_are_the_sums_over_pixels(kind, c, masked, generator):
    logits = (
        LOGITS[:, :, None].double() if kind == "ties" else 2 * torch.randn(3, 3, 5, 4, generator=generator).double()
    )
    for up, loss in ((True, up_loss), (False, low_loss)):
        expected = torch.tensor([by_loop(image, c, up, masked) for image in logits], dtype=torch.float64)
        torch.testing.assert_close(loss(logits, c, masked), expected)


def test_a_tie_is_outside_of_the_class():
    ties = LOGITS[:, :, None]  # (1, 3, 1, 6)
    inside = [[False] * 6, [True, False, False, False, False, False], [False, False, False, False, True, False]]
    inside[0][5] = True
    for c in range(3):
        assert indicator(ties, c)[0, 0].tolist() == inside[c]
        assert torch.equal(indicator(ties.softmax(1), c), indicator(ties, c))
        assert volume(ties, c, 0.5).tolist() == [0.5 * sum(inside[c])]
    assert sum(map(sum, inside)) == 3  # the other three pixels are nobody's


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("masked", [True, False])
def test_losses_stay_finite_where_the_network_is_sure(masked, dtype):
    logits = torch.tensor([[1e3, -1e3, 0.0], [-1e3, 1e3, 1e3], [0.0, 0.0, -1e3]], dtype=dtype).mT[None, :, None]
    logits = logits.contiguous().requires_grad_()
    for c in range(3):
        for loss in (up_loss, low_loss):
            value = loss(logits, c, masked)
            (gradient,) = torch.autograd.grad(value.sum(), logits)
            assert torch.isfinite(value).all() and torch.isfinite(gradient).all()
    # log(1 - p) keeps its digits where p rounds to 1: here it is -2000, of which float32's 1 - p knows nothing
    sure = torch.tensor([1e3, -1e3], dtype=dtype)[None, :, None, None]
    assert up_loss(sure, 0, masked=False).item() == low_loss(sure, 1, masked=False).item() == 2000


@pytest.mark.parametrize("loss", [up_loss, low_loss])
def test_an_empty_set_of_pixels_has_no_gradient(loss):
    """All pixels as wished already: nothing to push."""
    logits = torch.tensor([0.0, 5.0, 0.0] if loss is up_loss else [0.0, -5.0, 0.0])[None, :, None, None]
    logits = logits.repeat(2, 1, 3, 4).requires_grad_()
    value = loss(logits, 1)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.tolist() == [0, 0] and not gradient.any()
