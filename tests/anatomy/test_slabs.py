"""Contiguous slices of one head: where they lie, and how alike neighbours are."""

import pytest
import torch

from mrilab.anatomy.contrast import INDEX
from mrilab.anatomy.deform import CLINICAL, PLANES, RANDOMISED, place_slices
from mrilab.anatomy.fields import Draws
from mrilab.anatomy.image import render_heads
from mrilab.errors import UserError

THICKNESS = 5.0
SHAPE = (96, 96)


def correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()))


@pytest.mark.parametrize("part", ["seen", "slab"])
def test_slices_are_parallel_apart_by_their_thickness_and_in_their_segment(part, generator):
    for _ in range(10):
        slices = place_slices(3, (32, 32), "axial", part, CLINICAL, generator, thickness=THICKNESS)
        z = slices.points[..., 2]  # (3, H, W)
        apart = z.diff(dim=0).mean((1, 2)).abs()
        # template mm: heads differ in size by 3.5 %, cut off at 2.5 standard deviations
        assert ((apart > 0.9 * THICKNESS) & (apart < 1.1 * THICKNESS)).all()
        assert (z.diff(dim=0).abs().amin() > 2) and (z.diff(dim=0) > 0).all(), "no slice crosses its neighbour"
        assert any(low <= z.min() and z.max() <= high for low, high in PLANES["axial"][part])
        assert slices.thickness == THICKNESS and len(slices.pixel.unique()) == 1


@pytest.mark.parametrize("orientation", [None, "coronal", "sagittal"])
def test_other_planes_too(orientation, generator):
    slices = place_slices(3, (24, 24), orientation, "seen", RANDOMISED, generator, thickness=THICKNESS)
    assert len(set(slices.orientation)) == 1
    axis = PLANES[slices.orientation[0]]["normal"]
    apart = slices.points[..., axis].diff(dim=0).mean((1, 2)).abs()
    assert ((apart > 0.7 * THICKNESS) & (apart < 1.3 * THICKNESS)).all()


def test_fields_are_as_smooth_across_slices_as_within_them(generator):
    """A field correlates over the same distance to 0.45 to 0.5, be it 8 pixels along a column or 8 pixels across."""
    field = Draws(3, (160, 160), generator, step=8.0).field(8.0)
    assert correlation(field[0], field[1]) == pytest.approx(correlation(field[:, 8:], field[:, :-8]), abs=0.12)
    assert abs(correlation(field[0], field[2])) < 0.2
    assert float(field.std()) == pytest.approx(1, abs=0.1)
    closer = Draws(2, (160, 160), generator, step=1.0).field(8.0)
    assert correlation(closer[0], closer[1]) > 0.95


def test_curves_and_numbers_belong_to_the_head(generator):
    draws = Draws(3, (64, 64), generator, step=2.0)
    assert len(draws.uniform(0, 1).unique()) == 1 and draws.uniform(0, 1).shape == (3, 1, 1)
    distance = draws.curves(1, 16.0)[:, 0]
    near = distance < 1
    assert float((distance[1][near[0]] < 4).float().mean()) > 0.7, "a curve moves a little from slice to slice"
    assert not torch.equal(distance[0], distance[1])


def test_neighbours_are_alike_but_not_equal(generator):
    """In grey against white matter, neighbours agree more than different heads do in slices at random heights."""
    grey, white, csf = (INDEX[name] for name in ("grey matter", "white matter", "csf"))
    neighbours, outer, strangers = [], [], []
    others = render_heads(6, SHAPE, generator, part="slab")
    for _ in range(4):
        heads = render_heads(3, SHAPE, generator, part="slab", thickness=THICKNESS)
        tissue = heads.shares[:, [csf, grey, white]]  # (3, 3, H, W)
        neighbours += [correlation(tissue[0], tissue[1]), correlation(tissue[1], tissue[2])]
        outer.append(correlation(tissue[0], tissue[2]))
        strangers += [correlation(tissue[0], other) for other in others.shares[:, [csf, grey, white]]]
    mean = {k: sum(v) / len(v) for k, v in {"n": neighbours, "o": outer, "s": strangers}.items()}
    assert mean["n"] > mean["o"] + 0.05 and mean["o"] > mean["s"]
    assert min(neighbours) > max(strangers) and max(neighbours) < 0.95


def test_slices_share_signals_bias_and_phase(generator):
    heads = render_heads(3, SHAPE, generator, part="slab", thickness=THICKNESS)
    white = heads.shares[:, INDEX["white matter"]] > 0.95
    both = white[:-1] & white[1:]
    turned = (heads.image[1:] * heads.image[:-1].conj()).angle()[both]
    assert float(turned.abs().max()) < 0.2, "rad"
    levels = torch.stack([image.abs()[inside].mean() for image, inside in zip(heads.image, white, strict=True)])
    assert float(levels.std() / levels.mean()) < 0.05


def test_more_slices_than_fit_and_randomised_slabs_are_user_errors(generator):
    with pytest.raises(UserError, match="do not fit into the axial part 'slab'"):
        place_slices(7, (16, 16), "axial", "slab", CLINICAL, generator, thickness=THICKNESS)
    with pytest.raises(UserError, match="clinical heads only"):
        render_heads(3, (16, 16), generator, "randomised", thickness=THICKNESS)
