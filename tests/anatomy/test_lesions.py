"""Lesions in finished heads: size, place, signal, and what they leave as it is."""

import math

import pytest
import torch

from mrilab.anatomy import lesions
from mrilab.anatomy.contrast import INDEX, NAMES, TISSUES
from mrilab.anatomy.deform import Slices
from mrilab.anatomy.image import Heads, render_heads
from mrilab.anatomy.lesions import LABELS, plant_lesions


def white_matter(n, side, pixel=1.0, thickness=None, contrast="t2"):
    """`n` images of nothing but white matter of signal 1 and of a constant phase, pixels of `pixel` mm."""
    shares = torch.zeros(n, len(TISSUES), side, side)
    shares[:, INDEX["white matter"]] = 1
    slices = Slices(torch.zeros(n, side, side, 3), torch.full((n,), pixel), ("axial",) * n, thickness)
    return Heads(torch.polar(torch.ones(n, side, side), torch.tensor(0.7)), shares, slices, contrast)


@pytest.fixture
def one_lesion(monkeypatch):
    """Make every head have one lesion of this radius in mm."""

    def choose(radius):
        monkeypatch.setitem(lesions.TABLES, "count", [1, 1])
        monkeypatch.setitem(lesions.TABLES, "radius", [radius, radius])

    return choose


def test_lesion_is_the_last_label():
    assert LABELS[:-1] == NAMES and LABELS[-1] == "lesion"


@pytest.mark.parametrize(("radius", "pixel"), [(2.5, 0.5), (7.5, 1.0)])
def test_the_area_is_that_of_a_disc_of_the_radius_in_mm(radius, pixel, one_lesion, generator):
    one_lesion(radius)
    _, share = plant_lesions(white_matter(40, 128, pixel), generator)
    inside = share > 0.5
    whole = ~(inside[:, [0, -1]].any((1, 2)) | inside[:, :, [0, -1]].any((1, 2)))  # not cut off by the image
    area = pixel**2 * inside[whole].sum((1, 2)).float()
    assert whole.sum() > 25
    waves = 1 + lesions.WAVE[1] ** 2  # a radius that varies by 18 % adds its variance to the area
    assert float(area.mean()) == pytest.approx(math.pi * radius**2 * waves, rel=0.1)
    assert 0.05 < float(area.std() / area.mean()) < 0.4, "no two have the same outline"


def test_borders_are_as_soft_as_said(one_lesion, monkeypatch, generator):
    one_lesion(6.0)
    monkeypatch.setattr(lesions, "WAVE", (5.0, 0.0))
    _, share = plant_lesions(white_matter(12, 128, 0.25), generator)
    soft = (share > 1 / (1 + math.e)) & (share < math.e / (1 + math.e))  # within one BORDER of the surface
    width = 0.25**2 * soft.sum((1, 2)) / (2 * math.pi * 6.0)
    assert float(width.max()) == pytest.approx(2 * lesions.BORDER, rel=0.02)


@pytest.mark.parametrize(("contrast", "low", "high"), [("t2", 1.4, 2.2), ("t1", 0.5, 0.8), ("pd", 1.15, 1.4)])
def test_signal_over_that_of_white_matter(contrast, low, high, one_lesion, generator):
    one_lesion(7.0)
    heads = white_matter(30, 96, contrast=contrast)
    image, share = plant_lesions(heads, generator)
    core = [float(i[s > 0.99].abs().mean()) for i, s in zip(image, share, strict=True)]
    assert low - 0.05 * high < min(core) < low + 0.3 * (high - low)
    assert high - 0.3 * (high - low) < max(core) < 1.05 * high
    torch.testing.assert_close(image.angle(), heads.image.angle())


def test_randomised_heads_have_dark_and_bright_lesions(one_lesion, generator):
    one_lesion(7.0)
    image, share = plant_lesions(white_matter(30, 96, contrast="randomised"), generator)
    core = torch.tensor([i[s > 0.99].abs().mean() for i, s in zip(image, share, strict=True)])
    assert 8 < int((core < 0.8).sum()) < 22 and not ((core > 0.85) & (core < 1.2)).any()


@pytest.mark.parametrize("contrast", ["t2", "t1", "pd", "flair"])
def test_in_real_heads_they_lie_in_white_matter_and_stand_out(contrast, generator):
    heads = render_heads(4, (192, 192), generator, contrast=contrast, part="slab")
    before = heads.image.clone()
    image, share = plant_lesions(heads, torch.Generator().manual_seed(5))
    assert torch.equal(heads.image, before) and torch.equal(image[share == 0], before[share == 0])
    assert 0.5 < float((share == 0).float().mean()) < 1
    core, white = share > 0.8, heads.shares[:, INDEX["white matter"]]
    assert core.any((1, 2)).all() and (white[core] > 0.5).float().mean() > 0.9
    assert float(share.min()) >= 0 and float(share.max()) <= 1
    change = image.abs()[core].mean() / before.abs()[core].mean()
    assert change < 0.85 if contrast == "t1" else change > 1.1
    csf = before.abs()[heads.shares[:, INDEX["csf"]] > 0.9].median()
    assert contrast != "t2" or float(image.abs()[core].median()) < csf


def test_same_seed_same_lesions_and_the_share_of_heads(generator):
    heads = white_matter(60, 32)
    first, again = (plant_lesions(heads, torch.Generator().manual_seed(2))[1] for _ in range(2))
    assert torch.equal(first, again) and first.amax((1, 2)).min() > 0.5
    assert not plant_lesions(heads, generator, affected=0)[1].any()
    some = (plant_lesions(heads, generator, affected=0.25)[1] > 0.5).any((1, 2)).sum()
    assert 6 <= int(some) <= 25


def test_a_head_without_deep_white_matter_stays_as_it_is(generator):
    heads = white_matter(2, 48)
    heads.shares[0, [INDEX["white matter"], INDEX["grey matter"]]] = torch.tensor([0.3, 0.7])[:, None, None]
    image, share = plant_lesions(heads, generator)
    assert not share[0].any() and torch.equal(image[0], heads.image[0])
    assert share[1].any()


def test_slices_of_one_head_cut_the_same_ball(one_lesion, monkeypatch, generator):
    """Areas pi (r^2 - d^2) at distances d, d + 5, d + 10 mm: the second difference is -2 pi 25 whatever d is."""
    one_lesion(17.0)
    monkeypatch.setattr(lesions, "WAVE", (5.0, 0.0))
    found = 0
    for _ in range(12):
        _, share = plant_lesions(white_matter(3, 160, 0.5, thickness=5.0), generator)
        inside = share > 0.5
        if inside[:, [0, -1]].any() or inside[:, :, [0, -1]].any():
            continue
        low, middle, high = (0.25 * inside.sum((1, 2))).tolist()
        assert low - 2 * middle + high == pytest.approx(-2 * math.pi * 25, rel=0.1)
        centres = torch.stack([i.nonzero().float().mean(0) for i in inside])
        assert (centres - centres[0]).abs().max() < 0.5
        found += 1
    assert found >= 3
