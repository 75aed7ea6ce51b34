"""Tissues, contrasts and images of heads."""

import pytest
import torch

from mrilab.anatomy.contrast import CONTRASTS, INDEX, NAMES, TISSUES, clinical_signals, protocol
from mrilab.anatomy.deform import CLINICAL, place_slices
from mrilab.anatomy.fields import Draws
from mrilab.anatomy.head import tissue_shares
from mrilab.anatomy.image import render_heads
from mrilab.anatomy.randomised import chemical_shift, random_phase, random_signals
from mrilab.anatomy.template import load_template
from mrilab.errors import UserError


def brightness(contrast: str, generator) -> dict[str, torch.Tensor]:
    signals, _ = clinical_signals(contrast, 200, generator)
    return {name: signals[:, index] for name, index in INDEX.items()}


def test_contrasts_order_the_tissues_as_radiologists_know_them(generator):
    t2, t1 = brightness("t2", generator), brightness("t1", generator)
    flair, pd = brightness("flair", generator), brightness("pd", generator)
    for s in (t2, t1, flair, pd):
        assert (s["air"] == 0).all()
        assert (s["cortical bone"] < 0.5 * s["grey matter"]).all()
        assert (s["blood"] < s["grey matter"]).all()
    # the vitreous is nearly the same water
    brightest = torch.stack([t2[name] for name in NAMES if name not in ("csf", "vitreous")]).amax(0)
    assert (t2["csf"] > brightest).all()
    assert (t2["grey matter"] > t2["white matter"]).float().mean() > 0.95
    assert (t1["white matter"] > 1.3 * t1["grey matter"]).float().mean() > 0.95
    assert (t1["csf"] < 0.5 * t1["grey matter"]).float().mean() > 0.95
    assert (t1["fat"] > t1["grey matter"]).float().mean() > 0.95
    assert (flair["csf"] < 0.25 * flair["white matter"]).float().mean() > 0.95
    assert (flair["grey matter"] > flair["white matter"]).float().mean() > 0.95
    assert (pd["grey matter"] > pd["white matter"]).float().mean() > 0.95


def test_protocols_stay_in_their_range(generator):
    times = protocol("flair", 500, generator)
    assert set(times) == {"tr", "te", "ti"}
    assert float(times["ti"].min()) >= 2370 and float(times["ti"].max()) <= 2490


def test_whiteness_moves_grey_matter_towards_white(generator):
    signals, change = clinical_signals("t2", 100, generator)
    grey, white = INDEX["grey matter"], INDEX["white matter"]
    moved = signals[:, grey] * (1 + change[:, grey])
    assert (moved - signals[:, white]).abs().mean() < 0.2 * (signals[:, grey] - signals[:, white]).mean()
    assert (change[:, INDEX["fat"]] == 0).all()


def test_template_knows_its_anatomy():
    """Points in MNI millimetres that any atlas agrees on."""
    brain, shell = load_template()
    points = torch.tensor(
        [[24.0, -20, 30], [6.0, 8, 14], [12.0, 12, 10], [32.0, 58, -37]]  # corona radiata, ventricle, caudate, eye
    )[None, :, None]  # (1, 4, 1, 3)
    fluid, grey, white, _ = brain.sample(points)[0, :, :, 0]  # each (4,)
    assert white[0] > max(fluid[0], grey[0])
    assert fluid[1] > max(grey[1], white[1])
    assert grey[2] > max(fluid[2], white[2])
    inner, skin, cavity, eye, _, _ = shell.sample(points)[0, :, :, 0]
    assert (inner[:3] < -5).all() and inner[3] > 0  # the brain lies in the skull, the eye does not
    assert (skin < 0).all() and eye[3] < -8 and (cavity[:3] > 0).all()


def test_template_is_left_right_symmetric():
    """The held-out sagittal slab is mirrored because of this; were it to end, one side would do."""
    brain = load_template()[0].values[:3]
    assert (brain - brain.flip(-1)).abs().mean() < 0.02


def test_shares_are_shares(generator):
    slices = place_slices(4, (96, 96), None, "seen", CLINICAL, generator)
    shares, whiteness = tissue_shares(slices, generator)
    assert shares.shape == (4, len(TISSUES), 96, 96) and whiteness.shape == (4, 96, 96)
    assert float(shares.min()) > -1e-5
    torch.testing.assert_close(shares.sum(1), torch.ones(4, 96, 96), atol=1e-5, rtol=0)


def test_skull_stays_with_its_brain_on_any_grid(generator):
    """The shell is sampled at half the resolution of the brain, and must not be shifted against it by that."""
    fine = place_slices(2, (256, 256), "axial", "slab", CLINICAL, generator)
    _, shell = load_template()
    exact = shell.sample(fine.points)[:, 1]  # distance to the skin, mm
    shares, _ = tissue_shares(fine, generator)
    air = shares[:, INDEX["air"]]
    outside, inside = (exact > 0.5), (exact < -0.5)
    assert (air[outside] > 0.5).float().mean() > 0.999
    assert (air[inside] < 0.5).float().mean() > 0.98  # there are sinuses


def test_axial_heads_hold_at_least_eight_structures(generator):
    heads = render_heads(12, (256, 256), generator)
    labels = heads.shares.argmax(1)
    per_head = [len(label.unique()) for label in labels]
    assert min(per_head) >= 8
    # a head is mostly brain, surrounded by air
    brain = ((labels == INDEX["grey matter"]) | (labels == INDEX["white matter"])).float().mean()
    assert 0.1 < float(brain) < 0.5
    border = torch.cat([labels[:, 0].flatten(), labels[:, :, 0].flatten(), labels[:, :, -1].flatten()])
    assert (border == INDEX["air"]).float().mean() > 0.99


def test_the_brain_is_enclosed_by_bone(generator):
    """From the brain outwards, every ray of an axial slice above the face crosses dark bone before the skin."""
    labels = render_heads(6, (256, 256), generator, part="slab").shares.argmax(1)
    bone = (labels == INDEX["cortical bone"]) | (labels == INDEX["marrow"]) | (labels == INDEX["dura"])
    skin = labels == INDEX["skin"]
    for label, hard, soft in zip(labels, bone, skin, strict=True):
        brain = torch.nonzero((label == INDEX["grey matter"]) | (label == INDEX["white matter"]))
        centre = brain.float().mean(0).round().int()
        for ray in (
            (hard[centre[0], : centre[1]], soft[centre[0], : centre[1]]),
            (hard[centre[0], centre[1] :].flip(0), soft[centre[0], centre[1] :].flip(0)),
        ):  # each from the border inwards
            first_skin, first_bone = ray[1].int().argmax(), ray[0].int().argmax()
            assert ray[0].any() and ray[1].any() and first_skin < first_bone


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_images_are_complex_and_smooth_in_phase(contrast, generator):
    heads = render_heads(2, (128, 128), generator, contrast=contrast)
    assert heads.image.dtype == torch.complex64 and heads.contrast == contrast
    assert torch.isfinite(torch.view_as_real(heads.image)).all()
    signal = heads.image.abs() > 0.1 * heads.image.abs().amax()
    both = signal[:, :, 1:] & signal[:, :, :-1]
    step = (heads.image[:, :, 1:] * heads.image[:, :, :-1].conj()).angle()[both]
    assert 1e-4 < float(step.abs().mean()) < 0.05


def test_randomised_heads_differ_more_than_clinical_ones(generator):
    """The randomised distribution draws the ratio of grey to white matter brightness anew for each head."""

    def ratios(distribution):
        heads = render_heads(24, (64, 64), generator, distribution, "t2", "axial")
        labels, magnitude = heads.shares.argmax(1), heads.image.abs()
        means = [
            [magnitude[i][labels[i] == INDEX[name]].mean() for name in ("grey matter", "white matter")]
            for i in range(len(labels))
        ]
        grey, white = torch.tensor(means).T
        return (grey / white).log()

    clinical, randomised = ratios("clinical"), ratios("randomised")
    assert (clinical > 0).all()
    assert randomised.std() > 3 * clinical.std() and (randomised < 0).any() and (randomised > 0).any()


def test_some_randomised_heads_are_flat_in_contrast(generator):
    """Half of them are drawn towards a common signal; bone, dura and air stay dark."""
    signals, change = random_signals(400, generator)
    soft = [INDEX[name] for name in ("grey matter", "white matter", "csf", "muscle", "fat")]
    spread = signals[:, soft].std(1)
    assert 0.05 < float((spread < 0.1).double().mean()) < 0.35, "as a scan weighted by proton density"
    assert float((spread > 0.2).double().mean()) > 0.4
    assert float(signals.max()) <= 1 and (signals[:, INDEX["air"]] == 0).all()
    assert float(signals[:, soft].min()) >= 0.05
    slope = change[:, INDEX["grey matter"]]
    flat, others = slope[spread < 0.1], slope[spread > 0.2]
    assert flat.square().mean() < 0.3 * others.square().mean(), "no detail within grey and white matter either"


def test_random_phase_reaches_from_flat_to_that_of_gradient_echoes(generator):
    phase = random_phase(Draws(200, (64, 64), generator))
    steps = (phase[:, :, 1:] - phase[:, :, :-1]).abs() / 2  # to a grid of 128
    steepest = steps.amax((1, 2))  # (200,)
    assert float(steepest.max()) < 1.5, "never a half turn from pixel to pixel"
    assert float((steepest > 0.25).double().mean()) > 0.1 and float((steepest < 0.1).double().mean()) > 0.1


def test_chemical_shift_turns_fat_and_nothing_else(generator):
    n, fat, water = 40, INDEX["fat"], INDEX["grey matter"]
    shares = torch.zeros(n, len(TISSUES), 1, 3)
    shares[:, fat, 0, 0] = shares[:, water, 0, 1] = 1
    shares[:, fat, 0, 2] = shares[:, water, 0, 2] = 0.5
    factor = chemical_shift(shares, torch.ones(n, len(TISSUES)), generator)[:, 0]  # (n, 3): fat, water, half of each
    assert torch.allclose(factor[:, 1], torch.ones(n, dtype=factor.dtype))
    assert torch.allclose(factor[:, 0].abs(), torch.ones(n)) and torch.allclose(factor[:, 2], (1 + factor[:, 0]) / 2)
    assert 10 < int((factor[:, 0] != 1).sum()) < 30, "about half of the slices"


@pytest.mark.parametrize("wrong", [{"distribution": "odd"}, {"contrast": "t3"}, {"orientation": "oblique"}])
def test_wrong_names_are_user_errors(wrong, generator):
    with pytest.raises(UserError, match=next(iter(wrong.values()))):
        render_heads(1, (16, 16), generator, **wrong)
