"""Training scans as any scanner may have made them: images, sampling, and the acquisitions made of both."""

import collections

import pytest
import torch

from mrilab.data.slices import FINENESS
from mrilab.physics.scale import quantile_scale
from mrilab.training.elsewhere import sampling
from mrilab.training.elsewhere.acquisitions import SEEN, VIRTUAL, acquisitions_from_elsewhere
from mrilab.training.elsewhere.images import KINDS, draw_image
from mrilab.training.elsewhere.leaves import dead_leaves
from mrilab.training.elsewhere.sampling import CENTRE, draw_sampling

SIDE = 48


@pytest.fixture(scope="module", autouse=True)
def quick_masks():
    """A small pool of Poisson masks, which take long to draw."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "POOL", 3)
        sampling._poisson_pool.cache_clear()
        yield
    sampling._poisson_pool.cache_clear()


@pytest.fixture(scope="module")
def masks():
    generator = torch.Generator().manual_seed(4)
    return [draw_sampling((SIDE, SIDE), 8, generator) for _ in range(300)]


def test_every_mask_has_a_full_centre_and_any_acceleration(masks):
    least = min(CENTRE[0], SIDE // 4) - 2 * sampling.OFF_CENTRE  # where the block is off the centre, less is around DC
    half = max(1, least // 2)
    centre = slice(SIDE // 2 - half, SIDE // 2 + half)
    assert all(mask[centre, centre].all() for mask in masks)
    accelerations = [mask.numel() / int(mask.sum()) for mask in masks]
    assert min(accelerations) == 1 and max(accelerations) > 4 and sum(r > 2 for r in accelerations) > 100


def test_masks_are_lines_of_both_directions_and_points(masks):
    def kind(mask):
        rows, columns = mask.any(1), mask.any(0)
        if mask.all():
            return "all"
        inside = mask[rows][:, columns]
        return "lines" if inside.all() else "points"

    counts = collections.Counter(map(kind, masks))
    assert min(counts[name] for name in ("all", "lines", "points")) > 15
    lines = [mask for mask in masks if kind(mask) == "lines"]
    assert any(mask.all(0).any() and not mask.any(0).all() for mask in lines)  # columns left out
    assert any(mask.all(1).any() and not mask.any(1).all() for mask in lines)  # rows left out


def test_the_first_line_lies_anywhere(masks):
    firsts = {int(mask.any(0).nonzero()[0]) for mask in masks} | {int(mask.any(1).nonzero()[0]) for mask in masks}
    assert {0, 1, 2, 3} <= firsts


@pytest.mark.parametrize("acceleration", [1.5, 4.0, 12.0])
def test_densities_have_the_mean_that_is_asked_for(acceleration):
    distance = torch.linspace(0, 1, 200)
    density = sampling._density(distance, acceleration, 2.5)
    assert float(density.mean()) == pytest.approx(1 / acceleration, rel=1e-3)
    assert density.max() <= 1 and bool((density.diff() <= 0).all())


def test_leaves_have_edges_and_their_spectrum_falls_as_that_of_photographs():
    generator = torch.Generator().manual_seed(1)
    images = torch.stack([dead_leaves((128, 128), generator) for _ in range(6)])
    assert images.min() >= 0 and 0.2 < float(images.amax((1, 2)).mean()) < 3
    power = torch.fft.fft2(images - images.mean((1, 2), keepdim=True)).abs().square().mean(0)
    low, high = power[1:4, 0].mean(), power[16:48, 0].mean()
    slope = torch.log(low / high) / torch.log(torch.tensor(2.4 / 28.6))
    assert -4.5 < float(slope) < -1.5  # about -2 of photographs and -4 of soft outlines


def test_images_have_the_scale_of_their_quantile_and_their_split():
    first, again = (draw_image((SIDE, SIDE), "train", torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.shape == (FINENESS * SIDE, FINENESS * SIDE) and torch.equal(first, again)
    assert float(quantile_scale(first)) == pytest.approx(1, rel=1e-5)
    other = draw_image((SIDE, SIDE), "val", torch.Generator().manual_seed(3))
    assert not torch.equal(first, other)


def test_acquisitions_are_consistent_and_all_of_one_shape():
    scans = acquisitions_from_elsewhere(6, SIDE, torch.Generator().manual_seed(2), "train")
    assert scans.kspace.shape == scans.coil_maps.shape == (6, VIRTUAL, SIDE, SIDE) and scans.mask.shape == (
        6,
        SIDE,
        SIDE,
    )
    assert not scans.kspace[~scans.mask[:, None].expand_as(scans.kspace)].any()
    torch.testing.assert_close(scans.scale(), torch.ones(6, 1, 1))
    power = scans.coil_maps.abs().square().sum(1)
    torch.testing.assert_close(power, torch.ones_like(power))
    # noise, and what maps of few samples miss; a reference with another phase of its own would leave more
    residual = (scans.model.forward(scans.target) - scans.kspace).flatten(1).norm(dim=1)
    assert bool((residual < 0.3 * scans.kspace.flatten(1).norm(dim=1)).all())


def test_the_card_says_what_training_saw():
    assert set(SEEN["images"]) == set(KINDS) and SEEN["acceleration"] == [1.5, 12.0] and SEEN["coils"] == [1, 32]
