"""Pools of knees on disk."""

import pytest
import torch

from mrilab.anatomy.acquire import band_limit
from mrilab.anatomy.knee import STRUCTURES, knee_phantom
from mrilab.data import pool
from mrilab.data.pool import knee_pool
from mrilab.data.slices import split_generator
from mrilab.errors import UserError

SHAPE = (48, 40)


def test_a_pool_holds_the_knees_of_its_split_one_after_the_other(tmp_path):
    images, labels = knee_pool(2, SHAPE, "val", 7, folder=tmp_path)
    assert images.shape == labels.shape == (2, *SHAPE)
    assert images.dtype == torch.complex64 and labels.dtype == torch.uint8
    generator = split_generator("val", 7)
    for image, label in zip(images, labels, strict=True):
        fine, fine_labels = knee_phantom((96, 80), generator, "condyle")
        assert torch.equal(image, band_limit(fine, SHAPE))
        assert torch.equal(label.long(), fine_labels[::2, ::2])
    parts = ("patellar_cartilage", "femoral_cartilage", "tibial_cartilage", "meniscus")
    assert all((labels == STRUCTURES.index(part)).any() for part in parts)


def test_a_pool_is_drawn_once(tmp_path, monkeypatch):
    first = knee_pool(1, SHAPE, "train", 0, "notch", tmp_path)
    monkeypatch.setattr(pool, "knee_phantom", None)
    again = knee_pool(1, SHAPE, "train", 0, "notch", tmp_path)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert len(list(tmp_path.iterdir())) == 1


def test_every_other_argument_and_other_code_is_another_file(tmp_path, monkeypatch):
    drawn = [knee_pool(1, SHAPE, *which, folder=tmp_path)[0] for which in (("train", 0), ("train", 1), ("test", 0))]
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    monkeypatch.setattr(pool, "fingerprint", lambda: "other code")
    assert torch.equal(knee_pool(1, SHAPE, "train", 0, folder=tmp_path)[0], drawn[0])
    assert len(list(tmp_path.iterdir())) == 4


def test_an_interrupted_pool_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "save_file", stop)
    with pytest.raises(KeyboardInterrupt):
        knee_pool(1, SHAPE, "train", 0, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="unknown split 'dev'"):
        knee_pool(1, SHAPE, "dev", 0, folder=tmp_path)
