"""Fields, deformation and the slab that training never shows."""

import pytest
import torch

from mrilab.anatomy.deform import (
    CLINICAL,
    PLANES,
    RANDOMISED,
    place_slices,
)
from mrilab.anatomy.fields import Draws, spline_basis
from mrilab.errors import UserError


def test_spline_basis_is_a_scaled_partition_of_unity():
    basis = spline_basis(50, 4.3)
    expected = torch.full((50,), (315 / 151) ** 0.5)
    torch.testing.assert_close(basis.sum(1), expected)


def test_spline_derivative_matches_differences():
    spacing, step = 400.0, 1.0  # so fine a grid that differences are exact to 1e-5
    basis, slope = spline_basis(1601, spacing), spline_basis(1601, spacing, derivative=True)
    differences = (basis[2:] - basis[:-2]) / (2 * step)
    torch.testing.assert_close(slope[1:-1], differences, atol=1e-6, rtol=0)


def test_random_field_has_zero_mean_unit_variance_and_its_scale(generator):
    field = Draws(400, (64, 64), generator).field(8.0)
    assert abs(float(field.mean())) < 0.02
    assert abs(float(field.var()) - 1) < 0.03
    step = field[..., 8:] * field[..., :-8]
    # a cubic B-spline's autocorrelation one knot away is 1191 / 2416
    assert float(step.mean()) == pytest.approx(1191 / 2416, abs=0.03)


def test_random_curves_give_distances():
    """Against the distance to the nearest zero crossing of the same field along rows and columns."""
    field = Draws(1, (96, 96), torch.Generator().manual_seed(1)).field(24.0)[0].double()
    distance = Draws(1, (96, 96), torch.Generator().manual_seed(1)).curves(1, 24.0)[0, 0]
    crossings = []
    for transposed in (False, True):
        f = field.T if transposed else field
        i, j = torch.nonzero(f[:, 1:] * f[:, :-1] < 0, as_tuple=True)
        found = torch.stack([i.double(), j + f[i, j] / (f[i, j] - f[i, j + 1])], -1)  # linear between pixels
        crossings.append(found.flip(-1) if transposed else found)
    pixels = torch.cartesian_prod(torch.arange(96.0), torch.arange(96.0)).double()
    nearest = torch.cdist(pixels, torch.cat(crossings)).amin(1).reshape(96, 96)
    close = nearest < 2
    assert close.sum() > 100
    assert float((distance - nearest)[close].abs().median()) < 0.1


@pytest.mark.parametrize("variation", [CLINICAL, RANDOMISED])
@pytest.mark.parametrize("orientation", PLANES)
def test_training_never_enters_the_slab(variation, orientation, generator):
    slices = place_slices(60, (48, 48), orientation, "seen", variation, generator)
    through = slices.points[..., PLANES[orientation]["normal"]]
    for low, high in PLANES[orientation]["slab"]:
        assert not ((through > low) & (through < high)).any()
    hidden = place_slices(60, (48, 48), orientation, "slab", variation, generator)
    through = hidden.points[..., PLANES[orientation]["normal"]]
    inside = [(through >= low) & (through <= high) for low, high in PLANES[orientation]["slab"]]
    assert torch.stack(inside).any(0).all()


def test_all_free_segments_are_visited(generator):
    slices = place_slices(80, (16, 16), "axial", "seen", CLINICAL, generator)
    height = slices.points[..., 2].mean((1, 2))
    for low, high in PLANES["axial"]["seen"]:
        assert ((height >= low) & (height <= high)).sum() > 10


@pytest.mark.parametrize("variation", [CLINICAL, RANDOMISED])
def test_deformations_do_not_fold(variation, generator):
    """The map from the image plane into the template keeps its orientation everywhere."""
    points = place_slices(12, (128, 128), "axial", "seen", variation, generator).points
    d_rows, d_columns = points.diff(dim=1)[:, :, :-1], points.diff(dim=2)[:, :-1]
    area = d_rows[..., 0] * d_columns[..., 1] - d_rows[..., 1] * d_columns[..., 0]  # (n, H-1, W-1), template x, y
    sign = area.mean((1, 2), keepdim=True).sign()
    assert (area * sign > 0).all()


def test_no_two_heads_are_alike(generator):
    points = place_slices(2, (32, 32), "axial", "seen", CLINICAL, generator).points
    assert (points[0] - points[1]).abs().amax() > 1.0


def test_unknown_orientation_is_a_user_error(generator):
    with pytest.raises(UserError, match="oblique"):
        place_slices(1, (8, 8), "oblique", "seen", CLINICAL, generator)
