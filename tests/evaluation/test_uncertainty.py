"""Correlation, coverage and planted lesions."""

import numpy as np
import pytest
import torch

from mrilab.csgm.lesion import lesion_contrast, plant_lesion
from mrilab.data.recipes import simulate
from mrilab.evaluation.uncertainty import coverage, inside_object, pearson
from mrilab.physics import SenseModel
from mrilab.physics.noise import complex_noise


def test_pearson_is_numpys_inside(generator):
    a, b = torch.randn(2, 20, 30, generator=generator)
    inside = torch.rand(20, 30, generator=generator) < 0.4
    expected = np.corrcoef(a[inside].numpy(), b[inside].numpy())[0, 1]
    assert pearson(a, b, inside) == pytest.approx(expected, abs=1e-6)
    assert pearson(a, 2 * a + 1, inside) == pytest.approx(1) and np.isnan(pearson(a, torch.ones(20, 30), inside))


@pytest.mark.parametrize("count, level", [(48, 0.9), (48, 0.5), (7, 0.5), (19, 0.9)])
def test_coverage_of_draws_of_the_same_distribution_is_the_level(count, level, generator):
    """200,000 pixels: the standard error is below 0.0012; interpolation between order statistics costs a little."""
    draws = complex_noise((count + 1, 400, 500), generator)
    everywhere = torch.ones(400, 500, dtype=torch.bool)
    assert coverage(draws[1:], draws[0], everywhere, level) == pytest.approx(level, abs=0.008)


def test_coverage_tells_samples_that_are_too_sure(generator):
    draws = 5 + torch.randn(49, 100, 100, generator=generator)
    everywhere = torch.ones(100, 100, dtype=torch.bool)
    narrow = 5 + 0.5 * (draws[1:] - 5)  # 90 % of these are 59 % of the truth
    assert coverage(narrow, draws[0], everywhere, 0.9) == pytest.approx(0.589, abs=0.03)


def test_few_samples_have_no_wide_interval(generator):
    draws = torch.randn(9, 4, 4, generator=generator)
    with pytest.raises(ValueError, match="8 samples have no central interval of 0.9"):
        coverage(draws[1:], draws[0], torch.ones(4, 4, dtype=torch.bool), 0.9)


@pytest.mark.parametrize("index", [0, 5])
def test_a_lesion_is_in_image_and_kspace_alike_and_brighter_than_its_surroundings(index):
    scan = simulate("heads-t2-val", index)
    kspace, truth, disc, ring = plant_lesion(scan)
    added = truth - scan.truth
    model = SenseModel(scan.coil_maps, torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(kspace - scan.kspace, model.forward(added), rtol=0, atol=1e-5)
    assert 20 < disc.sum() < 40 and not (disc & ring).any() and ring.sum() > 100
    assert (added.abs()[disc].min() > 0.15) and added.abs()[ring].max() < 0.06
    assert inside_object(truth)[disc | ring].all(), "in tissue, not in air"
    before, after = (lesion_contrast(image, disc, ring) for image in (scan.truth, truth))
    assert after - before == pytest.approx(lesion_contrast(added, disc, ring), abs=1e-5)
    assert after > 0.2 > abs(before)
