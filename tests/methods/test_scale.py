"""Every registered method: data times 1e-6, the level of raw fastMRI files, gives the image times 1e-6."""

import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.methods.registry import available_methods
from mrilab.physics import SenseModel, estimate_maps, make_mask

SHAPE = (64, 60)
FEW = {
    # more iterations, and rounding moves some activation over the kink of its ReLU; bfloat16 rounds, too
    "convdecoder": {"iterations": 2, "width": 8, "precision": "float32"},
    "ddim": {"samples": 2, "steps": 4, "precision": "float32"},
    "dds": {"samples": 2, "steps": 4, "precision": "float32"},
    "langevin": {"samples": 2, "levels": 4, "precision": "float32"},
}


def undersampled(kind):
    generator = torch.Generator().manual_seed(11)
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    image = random_ellipses(10, generator).image(fine)
    kspace = simulate_scan(image, random_array(6, generator).maps(fine), SHAPE, 0.01, generator)
    mask = make_mask(kind, SHAPE, 2, generator=generator)
    return kspace * mask, mask, kspace


def run(name, y, model):
    function = available_methods()[name]
    generator = torch.Generator().manual_seed(0)
    return function(y, model, generator=generator, progress=iter, **FEW.get(name, {}))


@pytest.mark.parametrize("kind", ["random", "poisson"])
@pytest.mark.parametrize("name", available_methods())
def test_a_power_of_two_changes_nothing_in_any_pixel(name, kind):
    """2^-20 is about 1e-6 and rounds nothing, so that every absolute number on the way shows, in the maps too."""
    y, mask, prescan = undersampled(kind)
    made = []
    for scale in (1, 2**-20):
        model = SenseModel(estimate_maps(scale * y, mask, scale * prescan)[0], mask)
        made.append(run(name, scale * y, model))
    for part in ("image", "uncertainty", "samples"):
        expected, ours = (getattr(each, part) for each in made)
        assert (ours is None) == (expected is None)
        if expected is not None:
            largest = float(expected.abs().max())
            assert largest > 0
            torch.testing.assert_close(2**20 * ours, expected, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("kind", ["random", "poisson"])
@pytest.mark.parametrize("name", available_methods())
def test_data_times_a_millionth_give_the_image_times_a_millionth(name, kind):
    """In the norm, because 1e-6 rounds the data, and conjugate gradients carry that on into single pixels."""
    y, mask, prescan = undersampled(kind)
    model = SenseModel(estimate_maps(y, mask, prescan)[0], mask)
    expected, ours = run(name, y, model).image, 1e6 * run(name, 1e-6 * y, model).image
    error = torch.linalg.vector_norm(ours - expected) / torch.linalg.vector_norm(expected)
    assert error < 1e-5
