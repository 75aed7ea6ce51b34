"""Masks with an exact number of points or lines."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.physics.densities import (
    distance,
    drawn_points,
    radial,
    uniform_points,
    variable_density,
)
from mrilab.physics.lines import centre_lines, equispaced_lines, random_lines
from mrilab.physics.pairs import redundancy


@pytest.mark.parametrize("place", [uniform_points, variable_density, radial])
@pytest.mark.parametrize("count", [1, 100, 257, 40 * 32])
def test_points_are_as_many_as_asked_for(place, count, generator):
    mask = place((40, 32), count, generator)
    assert mask.shape == (40, 32) and mask.dtype == torch.bool and int(mask.sum()) == count


@pytest.mark.parametrize("place", [random_lines, equispaced_lines])
@pytest.mark.parametrize(("count", "acs"), [(1, 0), (16, 5), (16, 16), (64, 0), (64, 5)])
def test_lines_are_as_many_as_asked_for_with_their_centre(place, count, acs, generator):
    lines = place(64, count, acs, generator)
    assert int(lines.sum()) == count and lines[centre_lines(64, acs)].all()


def test_equispaced_lines_are_evenly_spaced_outside_the_centre():
    lines = torch.nonzero(equispaced_lines(64, 16, 0)).flatten()
    assert set(lines.diff().tolist()) == {4}


def test_variable_density_falls_from_the_centre(generator):
    masks = torch.stack([variable_density((32, 32), 128, generator) for _ in range(200)]).double().mean(0)
    inner, outer = masks[distance((32, 32)) < 0.3].mean(), masks[distance((32, 32)) > 1].mean()
    assert inner > 10 * outer


def test_points_follow_their_density(generator):
    density = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = torch.stack([drawn_points(density, 1, generator) for _ in range(20_000)]).double().mean(0)
    torch.testing.assert_close(found, density.double() / 10, atol=0.015, rtol=0)


def test_radial_masks_are_spokes(generator):
    mask = radial((64, 64), 600, generator)
    assert mask[32, 32] and redundancy(mask, (64, 64)) > 0.98
    assert mask[28:37, 28:37].float().mean() > 5 * mask.float().mean()


def test_numbers_that_there_are_not_are_refused(generator):
    for count in (0, 65):
        with pytest.raises(UserError, match="impossible"):
            uniform_points((8, 8), count, generator)
    with pytest.raises(UserError, match="4 samples are fewer than the 5 of the calibration centre"):
        random_lines(64, 4, 5)
