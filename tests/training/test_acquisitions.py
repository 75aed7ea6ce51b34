from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mrilab.data.recipes import RECIPES
from mrilab.data.scans import Scan
from mrilab.evaluation import measured
from mrilab.evaluation import reconstruct as module
from mrilab.methods.registry import Reconstruction
from mrilab.physics import SenseModel, calibration_box, equispaced_mask, estimate_maps, fft2c
from mrilab.physics.lines import centre_lines
from mrilab.physics.protocol import Acquisition
from mrilab.physics.scale import quantile_scale
from mrilab.training import acquisitions as ours
from mrilab.training.acquisitions import acquisitions
from mrilab.training.feed import part_generator

SIDE = 32
T2 = replace(RECIPES["heads-t2-val"], shape=(SIDE, SIDE), split="train")
HEADS = replace(RECIPES["heads-randomised-val"], shape=(SIDE, SIDE), split="train")


@pytest.fixture(scope="module", params=[T2, HEADS], ids=["t2", "heads"])
def scans(request):
    return acquisitions(6, request.param, part_generator(0, 1, 2))


def test_shapes_and_types(scans):
    assert scans.kspace.shape == scans.coil_maps.shape == (6, 8, SIDE, SIDE)
    assert scans.mask.shape == scans.acs.shape == (6, 1, SIDE) and scans.reference.shape == (6, SIDE, SIDE)
    assert scans.kspace.dtype == scans.coil_maps.dtype == scans.reference.dtype == torch.complex64
    assert scans.mask.dtype == scans.acs.dtype == torch.bool


def test_the_unit_is_the_quantile_of_the_zero_filled_image(scans):
    zero_filled = SenseModel(scans.coil_maps, scans.mask).adjoint(scans.kspace)
    torch.testing.assert_close(quantile_scale(zero_filled), torch.ones(6, 1, 1))
    assert (0.7 < quantile_scale(scans.reference)).all() and (quantile_scale(scans.reference) < 3).all()


def test_masks_are_the_papers_and_both_accelerations_come(scans):
    lines = {r: equispaced_mask((SIDE, SIDE), r, acs=8) for r in (3, 6)}  # the rule's 2 lines of 32 are too few
    seen = {r for r, mask in lines.items() for each in scans.mask if torch.equal(each, mask)}
    assert seen == {3, 6} and all(any(torch.equal(each, mask) for mask in lines.values()) for each in scans.mask)
    assert (scans.acs.sum((1, 2)) == 8).all() and not (scans.acs & ~scans.mask).any()
    assert not (scans.kspace * ~scans.mask[:, None]).any()
    assert ours.calibration_width(128, 3) == ours.calibration_width(128, 6) == 10  # 8 % of 128


def test_maps_come_from_the_calibration_box_of_each_scan(scans):
    for y, mask, maps in zip(scans.kspace, scans.mask, scans.coil_maps, strict=True):
        height, width = calibration_box(mask, (SIDE, SIDE))
        box = centre_lines(SIDE, height)[:, None] & centre_lines(SIDE, width)[None]
        alone, source = estimate_maps(y * box, box)  # nothing outside it is needed
        assert source == f"acs 24x{width}" and 8 <= width <= 10
        # the scale rounds the data, and in the background two eigenvalues may lie close together
        torch.testing.assert_close(maps, alone, atol=2e-3, rtol=0)


def test_scale_maps_and_reference_are_those_of_the_evaluation(monkeypatch):
    """The same fully sampled k-space through `mrilab.evaluation.reconstruct`, which never hears of the true maps."""
    fully_sampled, seen = [], {}

    def simulate(*arguments):
        fully_sampled.append(real(*arguments))
        return fully_sampled[-1]

    real = ours.simulate_scan
    monkeypatch.setattr(ours, "simulate_scan", simulate)
    scan = acquisitions(1, T2, part_generator(0, 0, 1))
    acceleration = 3 if scan.mask.sum() > 14 else 6
    monkeypatch.setattr(measured, "named_mask", lambda *_: equispaced_mask((SIDE, SIDE), acceleration, acs=8))

    def method(y, model, *, generator, progress):
        seen.update(y=y, maps=model.coil_maps, scale=quantile_scale(model.adjoint(y)))
        return Reconstruction(model.adjoint(y))

    monkeypatch.setattr(module, "find_method", lambda _: method)
    monkeypatch.setattr(module, "check_options", lambda *_: {})
    monkeypatch.setattr(module, "asked_for", lambda *_: {})
    known = Scan(fully_sampled[0][None], Path("none.h5"))
    result = module.reconstruct(known, "spy", acceleration=acceleration, device="cpu")
    torch.testing.assert_close(seen["y"] / seen["scale"], scan.kspace[0])
    torch.testing.assert_close(seen["maps"], scan.coil_maps[0])
    torch.testing.assert_close(result.slices[0].reference / seen["scale"], scan.reference[0])


def test_the_noise_is_that_of_the_recipe():
    loud = replace(T2, noise_std=(0.2, 0.2))
    quiet = replace(T2, noise_std=(0.001, 0.001))
    references = [acquisitions(1, recipe, part_generator(0, 0, 3)).reference for recipe in (loud, quiet)]
    corner = [float(fft2c(each)[0, :4, :4].abs().mean()) for each in references]  # far from DC: noise
    assert corner[0] > 3 * corner[1]


def test_the_generator_decides_everything():
    first, again, other = (acquisitions(2, T2, part_generator(0, step, 0)) for step in (1, 1, 2))
    for name in Acquisition._fields:
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.kspace, other.kspace)
    validation = acquisitions(2, replace(T2, split="val"), part_generator(0, 1, 0))
    assert (validation.reference - first.reference).abs().mean() > 0.05
