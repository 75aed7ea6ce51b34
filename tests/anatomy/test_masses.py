"""Masses and spots, and raters who outline them."""

import pytest
import torch

from mrilab.anatomy.masses import KINDS, plant_masses
from mrilab.anatomy.raters import BIASES, rate
from mrilab.data.slices import coarse, fine_heads
from mrilab.evaluation.segmentation import disagreement


@pytest.fixture(scope="module")
def heads():
    return fine_heads(12, (64, 64), generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def planted(heads):
    kinds = torch.tensor([KINDS.index("none")] * 2 + [KINDS.index("mass")] * 7 + [KINDS.index("spots")] * 3)
    return plant_masses(heads, kinds, torch.Generator().manual_seed(1))


def test_heads_without_a_mass_stay_as_they_are(heads, planted):
    image, membership = planted
    assert torch.equal(image[:2], heads.image[:2]) and membership[:2].max() == 0
    assert (membership[2:].flatten(1).max(1).values > 0.5).all() and membership.max() <= 1
    outside = membership == 0
    assert torch.equal(image[outside], heads.image[outside])


def test_a_mass_is_brighter_than_the_tissue_around_it_and_keeps_the_phase(heads, planted):
    image, membership = planted
    for n in range(2, 9):
        core = membership[n] > 0.8
        if core.any():
            assert image[n].abs()[core].mean() > 1.15 * heads.image[n].abs()[core].mean()
    inside = (membership > 0) & (heads.image.abs() > 1e-3)
    turned = (image / heads.image)[inside]
    assert turned.angle().abs().max() < 1e-3


def test_spots_are_several_and_small(planted):
    _, membership = planted
    sizes = (coarse(membership) > 0.5).sum((-2, -1))
    assert sizes[9:].max() < sizes[2:9].max() / 2 and sizes[9:].min() > 0


def test_the_same_generator_gives_the_same_masses(heads):
    kinds = torch.ones(12, dtype=torch.int64)
    first, second = (plant_masses(heads, kinds, torch.Generator().manual_seed(5))[1] for _ in range(2))
    assert torch.equal(first, second)


def soft_disc(border, side=64, radius=9.0):
    place = torch.arange(side) - side // 2
    distance = torch.hypot(place[:, None].float(), place.float())
    return torch.sigmoid((radius - distance) / border)


def test_raters_disagree_more_where_the_border_is_softer():
    generator = torch.Generator().manual_seed(2)
    values = []
    for border in (0.6, 1.2, 2.2):
        outlines = rate(soft_disc(border).expand(20, -1, -1), generator)
        values.append(sum(disagreement(each) for each in outlines) / 20)
    assert values[0] < values[1] < values[2] and values[0] < 0.1 < values[2] < 0.3


def test_biases_are_fixed_and_fields_are_not():
    generator = torch.Generator().manual_seed(2)
    outlines = rate(soft_disc(1.5).expand(100, -1, -1), generator)
    sizes = outlines.sum((-2, -1)).float()  # (n, rater)
    assert (sizes.mean(0).diff() > 0).all() and sorted(BIASES) == list(BIASES)
    order = sizes.argsort(1)
    assert (order != torch.arange(len(BIASES))).any(1).float().mean() > 0.5  # nobody is always the largest


def test_nothing_is_outlined_where_there_is_nothing():
    assert not rate(torch.zeros(2, 32, 32), torch.Generator().manual_seed(0)).any()
