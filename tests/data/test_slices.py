"""Training slices: seeds, splits, shapes, scale, spectrum."""

import pytest
import torch

from mrilab.anatomy.contrast import INDEX
from mrilab.anatomy.deform import PLANES
from mrilab.anatomy.lesions import LABELS
from mrilab.data.recipes import simulate
from mrilab.data.scans import read_scan
from mrilab.data.slices import brain_slices, coarse_labels, fine_heads, labelled_slices, split_generator
from mrilab.errors import UserError
from mrilab.physics.coils import mvue
from mrilab.physics.espirit import espirit
from mrilab.physics.fourier import fft2c
from mrilab.physics.scale import quantile_scale

BANDS = torch.arange(0.10, 0.451, 0.05)  # cycles per pixel


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def spectrum(images):
    """Mean power of images (n, H, W), each divided by its 0.99 quantile, in rings between BANDS: (rings,)."""
    power = fft2c(images / quantile_scale(images)).abs().square().mean(0)
    y, x = (torch.arange(n)[:, None] / n - 0.5 for n in power.shape)
    radius = (y.square() + x.T.square()).sqrt()
    rings = zip(BANDS[:-1], BANDS[1:], strict=True)
    return torch.stack([power[(radius >= low) & (radius < high)].mean() for low, high in rings])


def test_same_seed_same_slices_other_seed_others():
    first, again, other = brain_slices(2, generator=seeded()), brain_slices(2, generator=seeded()), brain_slices(2)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert torch.equal(other, brain_slices(2))  # without a generator: a fixed one


def test_one_generator_goes_on_to_new_heads():
    generator = seeded()
    first, second = brain_slices(2, (64, 64), generator=generator), brain_slices(2, (64, 64), generator=generator)
    assert not torch.allclose(first, second)


def test_splits_never_share_a_seed():
    seeds = {
        split: {split_generator(split, n).initial_seed() for n in range(100)} for split in ("train", "val", "test")
    }
    assert not seeds["train"] & seeds["val"] and not seeds["train"] & seeds["test"] and not seeds["val"] & seeds["test"]
    images = [brain_slices(1, (64, 64), split=split, generator=seeded()) for split in ("train", "val", "test")]
    assert not torch.allclose(images[0], images[1]) and not torch.allclose(images[0], images[2])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_slices_stay_out_of_the_slab_unless_asked(split):
    ((low, high),) = PLANES["axial"]["slab"]
    z = fine_heads(40, (24, 24), split=split, generator=seeded()).slices.points[..., 2]
    assert not ((z > low) & (z < high)).any()


def test_the_slab_is_for_testing():
    ((low, high),) = PLANES["axial"]["slab"]
    z = fine_heads(10, (24, 24), split="test", generator=seeded(), unseen_slab=True).slices.points[..., 2]
    assert ((z >= low) & (z <= high)).all()
    with pytest.raises(UserError, match="never shows the slab"):
        fine_heads(1, (24, 24), split="train", unseen_slab=True)


@pytest.mark.parametrize("shape", [(128, 128), (96, 72), (65, 81)])
@pytest.mark.parametrize("distribution", ["clinical", "randomised"])
def test_shapes_types_and_scale(shape, distribution):
    images = brain_slices(2, shape, distribution, generator=seeded())
    assert images.shape == (2, *shape) and images.dtype == torch.complex64
    scale = quantile_scale(images)
    assert scale.shape == (2, 1, 1)
    torch.testing.assert_close(quantile_scale(images / scale), torch.ones(2, 1, 1))
    assert ((images / scale).abs() <= 1).float().mean() == pytest.approx(0.99, abs=1e-3)


def test_labels_lie_on_their_image():
    """CSF is the brightest tissue of a T2 head, and its label finds it."""
    images = brain_slices(4, (128, 128), contrast="t2", generator=seeded())
    labels = coarse_labels(fine_heads(4, (128, 128), contrast="t2", generator=seeded()))
    assert labels.shape == images.shape and labels.dtype == torch.uint8
    for image, label in zip(images.abs(), labels, strict=True):
        csf, white, air = (image[label == INDEX[name]].mean() for name in ("csf", "white matter", "air"))
        assert csf > 1.5 * white and white > 5 * air


@pytest.mark.parametrize("distribution", ["clinical", "randomised"])
def test_labelled_slices_are_brain_slices_with_labels(distribution):
    ours, theirs = seeded(), seeded()
    images, labels = labelled_slices(2, (64, 48), distribution, generator=ours, lesions=0)
    assert torch.equal(images, brain_slices(2, (64, 48), distribution, generator=theirs))
    assert torch.equal(ours.get_state(), theirs.get_state())
    heads = fine_heads(2, (64, 48), distribution, generator=seeded())
    assert torch.equal(labels, coarse_labels(heads)) and labels.dtype == torch.uint8
    assert int(labels.max()) < LABELS.index("lesion")


def test_lesions_change_their_pixels_and_nothing_else():
    """Of two batches from one seed, with and without lesions, images and labels differ in the lesions alone."""
    plain, generator = seeded(4), seeded(4)
    before, tissues = labelled_slices(6, (128, 128), generator=plain, lesions=0)
    after, labels = labelled_slices(6, (128, 128), generator=generator, lesions=1)
    assert torch.equal(generator.get_state(), plain.get_state())
    lesion = labels == LABELS.index("lesion")
    assert lesion.sum() > 100
    assert torch.equal(labels[~lesion], tissues[~lesion])
    brain = torch.tensor([INDEX["white matter"], INDEX["grey matter"]])
    assert torch.isin(tissues[lesion].long(), brain).float().mean() > 0.97
    assert (after.abs()[lesion] > 1.2 * before.abs()[lesion]).float().mean() > 0.8
    # a lesion's border and the ringing of its cut k-space are all that reaches beyond it
    near = torch.nn.functional.max_pool2d(lesion[:, None].float(), 11, 1, 5)[:, 0] > 0
    change = (after - before).abs()
    assert change[~near].max() < 0.1 * change.max()


def test_the_share_of_heads_with_lesions_is_as_asked():
    labels = labelled_slices(40, (64, 64), generator=seeded(), lesions=0.5)[1]
    affected = (labels == LABELS.index("lesion")).any((1, 2)).sum()
    assert 10 <= int(affected) <= 28


def test_unknown_split_is_a_user_error():
    with pytest.raises(UserError, match="unknown split 'dev'"):
        brain_slices(1, split="dev")


@pytest.mark.parametrize("contrast", ["t1", "t2"])
def test_spectrum_falls_as_that_of_natural_images(contrast):
    """Power of objects with edges falls as frequency to the power -2 to -3: neither blurred nor noise."""
    power = spectrum(brain_slices(16, contrast=contrast, generator=seeded()))
    centres = (BANDS[:-1] + BANDS[1:]) / 2
    slope = ((power[-1] / power[0]).log() / (centres[-1] / centres[0]).log()).item()
    assert -3.2 < slope < -1.8


@pytest.mark.real
@pytest.mark.parametrize("contrast", ["t1", "t2"])
def test_spectrum_within_a_factor_two_of_a_real_brain(contrast, real_scans):
    """Radial power of the MVUE, noise included on both sides, each image divided by its 0.99 quantile."""

    def combined(kspace):
        return mvue(kspace, espirit(kspace))

    real = spectrum(combined(read_scan(real_scans / "brain-16ch.h5").kspace[0])[None])
    ours = spectrum(torch.stack([combined(simulate(f"heads-{contrast}-test", i).kspace) for i in range(12)]))
    ratio = ours / real
    print("ours / real per ring:", [round(r, 2) for r in ratio.tolist()])
    assert (ratio > 0.5).all() and (ratio < 2).all()
