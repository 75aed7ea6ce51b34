import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, binary_erosion

from mrilab.errors import UserError
from mrilab.sgr.controls import controls, highest, log_odds, median_segmentation, signed_distance
from mrilab.sgr.volume import indicator


def disc(radius, shape=(24, 30), centre=(11, 14)):
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij")
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


@pytest.fixture
def samples(generator):
    """Logits (5, 3, 4, 24, 30) of five samples of three slices, class 2 a noisy disc that is large in the first."""
    logits = torch.randn(5, 3, 4, 24, 30, generator=generator)
    logits[:, :, 2] += torch.stack([disc(r) for r in (9, 5, 3)]) * 8.0 - 4
    return logits


@pytest.mark.parametrize("per", ["slice", "slab"])
@pytest.mark.parametrize("radii", [(2, 8), (0, 40), (-1, 6), (4, -1), (40, 40)])
def test_controls_have_exactly_the_volumes_asked_for(samples, generator, per, radii):
    low, up = (
        torch.stack([disc(r if r < 0 or r > 30 else r + n) if r >= 0 else disc(0) & ~disc(0) for n in range(3)])
        for r in radii
    )
    found = controls(samples, 2, low, up, per)
    assert list(found) == ["distance", "one sample", "mean", "all samples"]
    for name in ("distance", "one sample", "mean"):
        for chosen, given in zip(found[name], (low, up), strict=True):
            assert chosen.dtype == torch.bool
            assert chosen.shape == given.shape
            assert chosen.sum() == given.sum()
            if per == "slice":
                assert torch.equal(chosen.sum((-2, -1)), given.sum((-2, -1)))
        if radii[0] <= radii[1]:
            assert not (found[name][0] & ~found[name][1]).any()  # one ranking: low bound within up bound


def test_slab_ranks_over_slices_and_slice_within_each(samples):
    low = torch.zeros(3, 24, 30, dtype=torch.bool)
    low[2, :10] = True  # all of the volume in the slice with the smallest disc
    slice_low, slab_low = (controls(samples, 2, low, low, per)["mean"][0] for per in ("slice", "slab"))
    assert slice_low.sum((-2, -1)).tolist() == [0, 0, 300]
    assert slab_low.sum((-2, -1)).tolist() != [0, 0, 300]
    score = log_odds(samples, 2)
    assert score[slab_low].min() >= score[~slab_low].max()
    assert score[2][slice_low[2]].min() >= score[2][~slice_low[2]].max()


def test_equal_scores_are_taken_row_by_row_and_the_same_every_time():
    score = torch.zeros(2, 4, 5)
    score[:, 2, 3] = 1
    chosen = highest(score, torch.tensor([1, 8]))
    assert chosen[0].nonzero().tolist() == [[2, 3]]
    assert chosen[1].flatten().nonzero().flatten().tolist() == [*range(7), 13]
    slab = highest(score, torch.tensor([1, 8]), "slab")
    assert slab.sum((-2, -1)).tolist() == [8, 1]


def test_signed_distance_erodes_and_dilates():
    inside = disc(7)
    distance = signed_distance(inside[None])[0]
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    # one pixel away along an axis is distance 1, the next along a diagonal sqrt(2)
    assert np.array_equal((distance > 1).numpy(), binary_erosion(inside.numpy(), cross))
    assert np.array_equal((distance >= -1).numpy(), binary_dilation(inside.numpy(), cross))
    edges = inside.nonzero().double()
    outside = (~inside).nonzero().double()
    for row, column in [(11, 14), (11, 20), (0, 0), (23, 29)]:
        here = torch.tensor([row, column]).double()
        other = outside if inside[row, column] else edges
        nearest = torch.linalg.vector_norm(other - here, dim=1).min()
        assert distance[row, column] == pytest.approx(float(nearest if inside[row, column] else -nearest))


def test_slices_without_an_edge_rank_last_or_first():
    segmented = torch.stack([torch.zeros_like(disc(1)), disc(3), torch.ones_like(disc(1))])
    distance = signed_distance(segmented)
    assert torch.isneginf(distance[0]).all()
    assert torch.isposinf(distance[2]).all()
    chosen = highest(distance, torch.tensor([0, 724, 0]), "slab")
    assert chosen.sum((-2, -1)).tolist() == [0, 4, 720]


def test_the_median_segmentation_needs_more_than_half():
    votes = torch.arange(5).reshape(5, 1, 1, 1) < torch.arange(6).reshape(1, 1, 1, 6)  # pixel n has n votes of 5
    assert median_segmentation(votes).flatten().tolist() == [False, False, False, True, True, True]
    assert median_segmentation(votes[:4]).flatten().tolist() == [False, False, False, True, True, True]


def test_log_odds_are_those_of_the_mean_probability(samples):
    p = samples.double().softmax(2)[:, :, 2].mean(0)  # (slices, H, W)
    assert torch.allclose(log_odds(samples, 2), torch.logit(p), atol=1e-9)


def test_log_odds_tell_apart_probabilities_that_round_to_one():
    logits = torch.tensor([[60.0, 0], [40, 0], [50, 0]]).T[None, None, :, None]  # (1, 1, 2, 1, 3)
    assert (logits.softmax(2)[0, 0, 0, 0] == 1).all()
    assert log_odds(logits, 0).flatten().tolist() == pytest.approx([60, 40, 50])
    pair = torch.stack([logits, -logits])[:, 0]  # each sample is sure of the opposite
    assert log_odds(pair, 0).flatten().tolist() == pytest.approx([0, 0, 0], abs=1e-12)


def test_intersection_and_union_are_those_of_the_samples(samples):
    empty = torch.zeros(3, 24, 30, dtype=torch.bool)
    low, up = controls(samples, 2, empty, empty)["all samples"]
    each = [indicator(sample, 2) for sample in samples]
    assert torch.equal(low, each[0] & each[1] & each[2] & each[3] & each[4])
    assert torch.equal(up, each[0] | each[1] | each[2] | each[3] | each[4])


def test_bounds_of_another_shape_are_refused(samples):
    empty = torch.zeros(3, 24, 29, dtype=torch.bool)
    with pytest.raises(UserError, match="do not fit"):
        controls(samples, 2, empty, empty)
