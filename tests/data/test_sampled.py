"""What was measured of k-space: ellipses, asymmetric echoes, rounded numbers, and masks beside full data."""

import numpy as np
import pytest
import torch

from mrilab.data.sampled import find_sampling
from mrilab.data.support import central_grid, filled
from mrilab.physics.fourier import centre_crop
from mrilab.physics.sampling import effective_acceleration

SHAPE = (32, 40)


@pytest.fixture
def kspace(generator):
    return torch.randn(1, 2, *SHAPE, generator=generator, dtype=torch.complex64)


def ellipse():
    y, x = (torch.linspace(-1, 1, n) for n in SHAPE)
    return y[:, None] ** 2 + x[None] ** 2 <= 1


def found(kspace, stored=None, attrs=None):
    return find_sampling(stored, kspace, attrs or {}, {}, "scan.h5")


def test_elliptical_kspace_is_full_inside_the_ellipse(kspace):
    sampling = found(kspace * ellipse())
    assert sampling.mask is None and torch.equal(sampling.acquired, ellipse())
    assert effective_acceleration(torch.ones(1, 1, dtype=torch.bool) & ellipse(), SHAPE, sampling.acquired) == 1


def test_empty_rows_of_an_asymmetric_echo_are_not_acquired(kspace):
    kspace[..., :8, :] = 0
    sampling = found(kspace)
    assert sampling.mask is None and torch.equal(sampling.acquired, torch.arange(32)[:, None] >= 8)
    every_second = torch.arange(32)[:, None] % 2 == 0
    assert effective_acceleration(every_second & sampling.acquired, SHAPE, sampling.acquired) == 24 / 12


def test_scattered_points_are_a_mask_and_not_an_area(kspace, generator):
    points = torch.rand(SHAPE, generator=generator) < 0.6
    with pytest.warns(UserWarning, match="taken as undersampled"):
        assert torch.equal(found(kspace * points).mask, points)


def test_zeros_of_rounding_are_not_holes(generator):
    spread = 40 * torch.exp(-8 * sum(torch.meshgrid(*[torch.linspace(-1, 1, n) ** 2 for n in SHAPE], indexing="ij")))
    kspace = spread * torch.randn(1, 1, *SHAPE, generator=generator, dtype=torch.complex64)
    rounded = torch.view_as_complex(torch.view_as_real(kspace).round())
    assert (rounded == 0).float().mean() > 0.3  # far more than counts as full otherwise
    assert found(rounded).mask is None
    with pytest.warns(UserWarning, match="taken as undersampled"):
        holes = torch.rand(SHAPE, generator=generator) < 0.5
        assert found(rounded * holes).mask is not None  # here most zeros are in both components


def test_a_mask_beside_full_data_leaves_them_full(kspace):
    lines = np.arange(40) % 4 == 0
    with pytest.warns(UserWarning, match="measured against the full data"):
        sampling = found(kspace, lines)
    assert sampling.mask is None and sampling.acquired is None
    assert torch.equal(sampling.beside, torch.from_numpy(lines)[None])


def test_a_mask_with_its_own_data_is_the_mask(kspace):
    lines = np.arange(40) % 4 == 0
    sampling = found(kspace * torch.from_numpy(lines), lines)
    assert torch.equal(sampling.mask, torch.from_numpy(lines)[None]) and sampling.beside is None


def test_filled_points_lie_between_others_in_row_and_column():
    points = torch.zeros(5, 5, dtype=torch.bool)
    for row, column in ((0, 2), (2, 0), (2, 4), (4, 2)):
        points[row, column] = True
    expected = points.clone()
    expected[2, 2] = True  # between others in both; (1, 2) is so in its column only
    assert torch.equal(filled(points), expected)


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize("first, last", [(0, 6), (1, 6), (2, 4), (3, 3), (2, 6)])
def test_the_central_grid_is_the_smallest_crop_that_holds_all(n, first, last):
    line = torch.zeros(1, n, dtype=torch.bool)
    line[0, first], line[0, last] = True, True
    size = central_grid(line, (4, n))[1]
    assert centre_crop(line, (1, size)).sum() == line.sum()
    assert size == 1 or centre_crop(line, (1, size - 1)).sum() < line.sum()
