"""Digits for classification."""

import pytest
import torch

from mrilab.data.glyphs import CLASSES, FACES, SIDE, _templates, glyphs
from mrilab.errors import UserError


def test_digits_are_the_same_at_every_call_and_differ_between_splits():
    images, labels = glyphs("val", 300)
    glyphs.cache_clear()
    again, _ = glyphs("val", 300)
    assert torch.equal(images, again) and images.shape == (300, SIDE, SIDE)
    assert images.min() == 0 and 0.9 < images.max() <= 1
    assert labels.bincount(minlength=CLASSES).min() > 10
    assert not torch.equal(images, glyphs("test", 300)[0])
    with pytest.raises(UserError, match="unknown split"):
        glyphs("exam")


def test_every_face_draws_every_digit_differently():
    templates = _templates()
    assert templates.shape == (len(FACES), CLASSES, 2 * SIDE, 2 * SIDE) and len(FACES) == 16
    flat = templates.flatten(0, 1).flatten(1)
    apart = torch.cdist(flat, flat) + 1e3 * torch.eye(len(flat))
    assert apart.min() > 1  # no two templates are the same, so no face lacks a digit and falls back to another
    rows = templates.amax(3) > 0.5
    heights = rows.sum(2)
    assert (heights.max() <= 42) and (heights.min() >= 20)
