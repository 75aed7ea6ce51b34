"""Measures of many segmentations, against loops, closed forms and scikit-learn."""

import math

import pytest
import torch
from monai.metrics import compute_dice
from sklearn.metrics import brier_score_loss

from mrilab.errors import UserError
from mrilab.evaluation.segmentation import brier, dice, disagreement, expected_calibration_error, ged, iou


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


def masks(n, generator, level=0.6):
    return torch.rand(n, 9, 7, generator=generator) > level


def loop_iou(a, b):
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def test_iou_and_dice_are_those_of_loops_and_of_monai(generator):
    a, b = masks(4, generator), masks(3, generator)
    a[1], b[2] = False, False
    expected = torch.tensor([[loop_iou(s, t) for t in b] for s in a], dtype=torch.float64)
    torch.testing.assert_close(iou(a, b), expected)
    assert iou(a, b)[1, 2] == dice(a, b)[1, 2] == 1 and dice(a, b)[1, 0] == 0
    of_monai = compute_dice(a[None, :1].float(), b[None, :1].float())
    assert float(dice(a[:1], b[:1])) == pytest.approx(float(of_monai))
    torch.testing.assert_close(dice(a, b), 2 * expected / (1 + expected))


@pytest.mark.parametrize("unbiased", [False, True])
def test_ged_is_that_of_loops(generator, unbiased):
    s, t = masks(5, generator), masks(6, generator)

    def mean(a, b, skip):
        values = [1 - loop_iou(x, y) for i, x in enumerate(a) for j, y in enumerate(b) if not (skip and i == j)]
        return sum(values) / len(values)

    expected = 2 * mean(s, t, False) - mean(s, s, unbiased) - mean(t, t, unbiased)
    assert ged(s, t, unbiased) == pytest.approx(expected)


def test_ged_of_equal_distributions_is_nought_on_average(generator):
    values = [ged(masks(8, generator), masks(8, generator), unbiased=True) for _ in range(400)]
    mean = sum(values) / len(values)
    assert abs(mean) < 4 * torch.tensor(values).std() / math.sqrt(len(values))
    both = masks(6, generator)
    assert ged(both, both) == pytest.approx(0)


def test_ged_of_one_rater_and_one_answer_is_twice_their_distance(generator):
    s, t = masks(1, generator), masks(1, generator)
    assert ged(s, t) == ged(s, t, unbiased=True) == pytest.approx(2 * (1 - loop_iou(s[0], t[0])))


def test_one_answer_to_two_raters_has_a_known_distance():
    raters = torch.zeros(2, 4, 4, dtype=torch.bool)
    raters[0, :2] = True  # 8 pixels, all of them in the second rater's 12
    raters[1, :3] = True
    apart = 1 - 8 / 12
    both_answers, one_answer = raters, raters[:1]
    assert ged(both_answers, raters) == pytest.approx(0)
    assert ged(one_answer, raters) == pytest.approx(2 * apart / 2 - apart / 2)
    assert disagreement(raters) == pytest.approx(apart) and disagreement(one_answer) == 0


def test_calibration_error_of_a_calibrated_generator_vanishes(generator):
    errors = []
    for n in (1_000, 1_000_000):
        p = torch.rand(n, generator=generator)
        errors.append(expected_calibration_error(p, torch.rand(n, generator=generator) < p))
    assert errors[1] < 2e-3 < errors[0]


def test_calibration_error_counts_the_upper_ends_of_bins():
    p = torch.tensor([0.0, 0.1, 0.1001, 1.0])
    z = torch.tensor([True, False, True, True])
    expected = (abs(1 - 0.1) + abs(1 - 0.1001) + 0) / 4  # 0 and 0.1 share the first bin
    assert expected_calibration_error(p, z) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(UserError, match="between 0 and 1"):
        expected_calibration_error(torch.tensor([0.5, float("nan")]), torch.tensor([1, 0]))


def test_hard_answers_have_calibration_error_brier_and_error_rate_equal(generator):
    z, guess = masks(1, generator), masks(1, generator)
    rate = float((z != guess).double().mean())
    # 0 and 1 are far apart, so each has a bin of its own; errors of one kind do not cancel those of the other
    assert brier(guess, z) == pytest.approx(rate)
    assert expected_calibration_error(guess.double(), z) == pytest.approx(rate)


def test_brier_is_that_of_scikit_learn(generator):
    p, z = torch.rand(500, generator=generator), torch.rand(500, generator=generator) < 0.4
    assert brier(p, z) == pytest.approx(brier_score_loss(z.numpy(), p.numpy()))


@pytest.mark.parametrize(
    ("raters", "told"),
    [
        (torch.zeros(0, 4, 4, dtype=torch.bool), "1 masks cannot be compared with 0; give at least one of each"),
        (torch.full((2, 4, 4), 0.5), "turn probabilities into masks with a threshold first"),
        (torch.zeros(2, 4, 4, dtype=torch.int64), "masks to compare are true or false"),
        (torch.zeros(2, 5, 4, dtype=torch.bool), "masks of 4 x 4 and 5 x 4 cannot be compared"),
    ],
)
def test_what_is_no_mask_is_told(raters, told):
    answer = torch.zeros(1, 4, 4, dtype=torch.bool)
    for measure in (iou, dice, ged):
        with pytest.raises(UserError, match=told):
            measure(answer, raters)
