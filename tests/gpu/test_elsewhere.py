"""Methods and training on a device that is not there: nothing on the way may meet tensors of two devices."""

import pytest
import torch
from elsewhere import META, Elsewhere, MixedDevices, elsewhere

from benchmarks.problem import line_mask, phantom_scan
from mrilab.data.scans import Scan, read_scan, write_scan
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.training.feed import part_generator
from mrilab.training.tasks import find_task

SHORT = {"samples": 1, "steps": 3, "precision": "float32"}
METHODS = {
    "zero-filled": {},
    "cg-sense": {},
    "l1-wavelet": {"iterations": 3},
    "langevin": {"samples": 1, "levels": 2, "steps_per_level": 1, "precision": "float32"},
    "ddim": SHORT,
    "convdecoder": {"iterations": 3, "precision": "float32"},
    "varnet": {},
    "ista": {},
    "modl": {},
    "flat": {},
}


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Scan:
    path = tmp_path_factory.mktemp("scans") / "phantom.h5"
    write_scan(path, phantom_scan(128)[0][None])
    return read_scan(path)


def test_it_computes_there_and_finds_what_is_mixed():
    kspace, mask = phantom_scan(32)[0], line_mask(32)
    with elsewhere():
        moved = kspace.to(META) * mask.to(META)
        assert isinstance(moved, Elsewhere) and moved.device.type == "meta"
        assert torch.equal(moved.cpu(), kspace * mask)
        with pytest.raises(MixedDevices):
            kspace.to(META) * mask


@pytest.mark.parametrize("name", METHODS)
def test_methods(name, scan):
    with elsewhere():
        result = reconstruct(scan, name, acceleration=4, device="meta", **METHODS[name])
    assert result.device == "meta" and type(result.slices[0].image) is torch.Tensor
    expected = reconstruct(scan, name, acceleration=4, device="cpu", **METHODS[name])
    assert result.metrics["psnr"] == pytest.approx(expected.metrics["psnr"], abs=0.05)


@pytest.mark.parametrize("name", ["score-t2", "varnet-t2", "flat-derived-t2", "flat-aligned-v1-single"])
def test_training(name):
    trainable, profile = find_task(name, "smoke")
    task = trainable.build(profile.side, profile.width, 0)
    with elsewhere():
        task.network.to(META)
        batch = task.part(1, part_generator(0, 0, 0), META)
        assert all(isinstance(tensor, Elsewhere) for tensor in batch)
        task.loss(task.network, batch).backward()
    assert all(isinstance(p.grad, Elsewhere) for p in task.network.parameters() if p.grad is not None)
