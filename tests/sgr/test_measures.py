import math

import numpy as np
import pytest
import torch
from monai.metrics import ConfusionMatrixMetric, compute_dice
from scipy import stats

from mrilab.evaluation.claims import Claim, judge, mean_interval
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise
from mrilab.sgr.measures import (
    MEASURES,
    measure,
    measure_images,
    paired,
    precision,
    recall,
    residual_over_noise,
    summary,
    transfer,
)
from mrilab.sgr.volume import indicator


def blobs(generator, share, shape=(3, 9, 11)):
    return torch.rand(shape, generator=generator) < share


def by_monai(name, segmented, reference):
    metric = ConfusionMatrixMetric(metric_name=name, include_background=True)
    metric(segmented[None, None].float(), reference[None, None].float())
    (value,) = metric.aggregate()
    return float(value)


@pytest.mark.parametrize("shares", [(0.1, 0.5), (0.5, 0.3), (0.9, 0.02)])
def test_precision_and_recall_are_those_of_monai_and_of_a_loop(generator, shares):
    segmented, reference = (blobs(generator, share) for share in shares)
    assert precision(segmented, reference) == pytest.approx(by_monai("precision", segmented, reference), rel=1e-6)
    assert recall(segmented, reference) == pytest.approx(by_monai("sensitivity", segmented, reference), rel=1e-6)
    pairs = list(zip(segmented.flatten().tolist(), reference.flatten().tolist(), strict=True))
    hits = sum(s and r for s, r in pairs)
    assert precision(segmented, reference) == hits / sum(s for s, _ in pairs)
    assert recall(segmented, reference) == hits / sum(r for _, r in pairs)
    p, r = precision(segmented, reference), recall(segmented, reference)
    dice = compute_dice(segmented[None, None].float(), reference[None, None].float())
    assert 2 * p * r / (p + r) == pytest.approx(float(dice), rel=1e-6)


def test_what_is_undefined_is_nan_and_false_positives_of_an_absent_class_are_not(generator):
    some, none = blobs(generator, 0.3), torch.zeros(3, 9, 11, dtype=torch.bool)
    assert math.isnan(precision(none, some))
    assert recall(none, some) == 0
    assert precision(some, none) == 0
    assert math.isnan(recall(some, none))
    empty = measure(none, none, none)
    assert [name for name in MEASURES if math.isnan(empty[name])] == ["precision", "recall", "v_unc_share"]
    assert empty["v_unc"] == 0
    assert empty["covered"] == 1


def test_volumes_of_bounds_are_in_millilitres_and_their_ends_count_as_inside():
    low, up, reference = (torch.arange(20).reshape(2, 2, 5) < n for n in (4, 16, 10))
    values = measure(low, up, reference, voxel=0.017)
    assert set(values) == set(MEASURES)
    assert values["v_low"] == pytest.approx(0.068)
    assert values["v_up"] == pytest.approx(0.272)
    assert values["v_unc"] == pytest.approx(0.204)
    assert values["v_unc_share"] == 0.75
    assert values["v_reference"] == pytest.approx(0.17)
    assert values["precision"] == 1
    assert values["recall"] == 1
    for n, inside in {3: 0, 4: 1, 16: 1, 17: 0}.items():
        assert measure(low, up, torch.arange(20).reshape(2, 2, 5) < n, voxel=0.017)["covered"] == inside
    assert measure(up, low, reference)["v_unc"] == -12


def test_the_second_networks_view_is_that_of_its_segmentations_slice_by_slice(generator):
    images = torch.randn(2, 3, 6, 7, dtype=torch.complex64, generator=generator)
    weights = torch.randn(4, generator=generator)

    def segment(x):
        assert not torch.is_grad_enabled()
        return torch.stack([w * x.abs() + 0.1 * n for n, w in enumerate(weights)], 1)  # (n, 4, H, W)

    reference = blobs(generator, 0.4, (3, 6, 7))
    with torch.no_grad():
        low, up = (torch.stack([indicator(segment(x[None]), 2)[0] for x in bound]) for bound in images)
    seen, expected = measure_images(images, segment, 2, reference, 0.5), measure(low, up, reference, 0.5)
    assert seen == pytest.approx(expected, nan_ok=True)


def test_transfer_is_undefined_where_the_first_network_saw_no_change():
    assert transfer(40, 30) == 0.75
    assert transfer(-40, 10) == -0.25
    assert math.isnan(transfer(0, 3))


@pytest.mark.parametrize("coils", [1, 4])
def test_the_true_image_leaves_the_noise(generator, coils):
    maps = normalise_maps(torch.randn(2, coils, 32, 40, dtype=torch.complex128, generator=generator))
    model = SenseModel(maps, equispaced_mask((32, 40), 4))
    x = torch.randn(5, 2, 32, 40, dtype=torch.complex128, generator=generator)
    noise = 0.3 * complex_noise((5, 2, coils, 32, 40), generator).to(x)
    y = model.forward(x) + noise  # noise on what is not sampled, too: it does not count
    found = residual_over_noise(x, y, model, 0.3)
    assert found.shape == (5, 2)
    sampled = noise[..., model.mask.expand(32, 40)]  # (5, 2, coil, m)
    expected = torch.view_as_real(sampled).flatten(2).square().mean(-1).sqrt() / 0.3
    assert torch.allclose(found, expected, rtol=1e-6)
    assert abs(float(found.mean()) - 1) < 0.02
    assert (residual_over_noise(x + 1, y, model, 0.3) > found).all()


def test_a_summary_counts_what_is_undefined_and_leaves_it_out(generator):
    values = torch.rand(11, generator=generator).tolist()
    plain = summary(values)
    assert (plain.lower, plain.median, plain.upper) == pytest.approx(np.percentile(values, [25, 50, 75]))
    assert (plain.undefined, plain.count) == (0, 11)
    mixed = summary([math.nan, *values, math.nan])
    assert (mixed.lower, mixed.median, mixed.upper) == (plain.lower, plain.median, plain.upper)
    assert (mixed.undefined, mixed.count) == (2, 13)
    nothing = summary([math.nan] * 3)
    assert math.isnan(nothing.median)
    assert (nothing.undefined, nothing.count) == (3, 3)


def test_paired_differences_average_cases_within_a_head():
    nan = math.nan
    assert paired([0.9, nan, 0.7], [0.8, 0.5, nan]).differences == pytest.approx([0.1])
    assert paired([0.9, nan, 0.7], [0.8, 0.5, nan]).undefined == 2
    found = paired([[5, 3], [nan, 4], [nan, 1]], [[1, 1], [7, 1], [0, nan]])
    assert found.differences == (3.0, 3.0)
    assert found.undefined == 1


def test_the_interval_of_a_mean_is_that_of_the_paired_t_test(generator):
    a, b = torch.rand(2, 6, generator=generator).double().tolist()
    differences = paired(a, b).differences
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert mean_interval(differences) == pytest.approx([interval.low, interval.high])
    assert judge(Claim("c", "", "", "", "m", at_least=0), differences).interval == mean_interval(differences)
    assert mean_interval([1.0, 2.0]) is None
