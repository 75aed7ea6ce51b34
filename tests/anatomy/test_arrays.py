import pytest
import torch
from scipy.special import ellipe, ellipk

from mrilab.anatomy.arrays import loop_field, pixel_coordinates, random_array
from mrilab.errors import UserError
from mrilab.physics.fourier import fft2c


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_fine_polygon_has_the_field_of_a_circular_loop():
    # closed form in elliptic integrals (Smythe 1939): radius a, about the x axis at x = -d, units mu0 I / 4 pi
    a, d = 0.3, 0.5
    turn = 2 * torch.pi * torch.arange(2000, dtype=torch.float64) / 2000
    corners = torch.stack([torch.full_like(turn, -d), a * turn.cos(), a * turn.sin()], -1)[None]
    y, x = pixel_coordinates((9, 8))
    y, x = y.double() + 1e-3, x.double() * 0.7  # off the axis, where the radial component is 0 / 0
    field = loop_field(corners, x, y, wire=0.0)[0]

    z, rho = x + d, y.abs()  # distance along the loop's axis, and from it
    k2 = 4 * a * rho / ((a + rho) ** 2 + z**2)
    K, E = (torch.from_numpy(f(k2.numpy())) for f in (ellipk, ellipe))
    root, near = ((a + rho) ** 2 + z**2).sqrt(), (a - rho) ** 2 + z**2
    axial = 2 / root * (K + (a**2 - rho**2 - z**2) / near * E)
    radial = 2 * z / (rho * root) * (-K + (a**2 + rho**2 + z**2) / near * E) * y.sign()
    torch.testing.assert_close(field, torch.complex(axial, -radial), rtol=1e-5, atol=1e-6)


def test_a_rotated_loop_has_the_rotated_field():
    corners = torch.randn(1, 5, 3, generator=seeded(), dtype=torch.float64)
    x, y = torch.tensor([[0.21]]), torch.tensor([[-0.13]])
    angle = torch.tensor(0.7, dtype=torch.float64)
    c, s = angle.cos(), angle.sin()
    rotation = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)
    turned = loop_field(corners @ rotation.T, c * x - s * y, s * x + c * y)
    phase = torch.polar(torch.ones_like(angle), -angle)
    # when the field turns by +angle, Bx - i By turns by -angle
    torch.testing.assert_close(turned, loop_field(corners, x, y) * phase)


@pytest.mark.parametrize("n_coils", [1, 8, 12, 16])
def test_maps_are_normalised_complex_and_all_different(n_coils):
    maps = random_array(n_coils, seeded()).maps((40, 33))
    assert maps.dtype == torch.complex64 and maps.shape == (n_coils, 40, 33)
    torch.testing.assert_close(maps.abs().square().sum(0), torch.ones(40, 33))
    gram = torch.einsum("chw,dhw->cd", maps, maps.conj()).abs()
    cosines = gram / gram.diag().sqrt().outer(gram.diag().sqrt())
    assert (cosines - torch.eye(n_coils)).max() < 0.95  # no element repeats another


def test_one_array_on_two_grids_agrees_where_pixels_coincide():
    array = random_array(8, seeded())
    for coarse, fine in (((32, 30), (64, 60)), ((21, 33), (63, 99))):
        factor = fine[0] // coarse[0]
        start = [f // 2 - factor * (c // 2) for f, c in zip(fine, coarse, strict=True)]
        on_fine = array.sensitivities(fine)[:, start[0] :: factor, start[1] :: factor]
        torch.testing.assert_close(on_fine[:, : coarse[0], : coarse[1]], array.sensitivities(coarse))


def test_field_of_view_zooms_without_moving_the_centre():
    array = random_array(8, seeded())
    whole, half = array.maps((64, 64)), array.maps((32, 32), fov=(0.5, 0.5))
    torch.testing.assert_close(half, whole[:, 16:48, 16:48])


def test_sensitivities_are_smooth_and_average_one_at_the_centre():
    y, x = pixel_coordinates((64, 64))
    disc = (x**2 + y**2).sqrt() < 0.4
    taper = torch.cos(torch.pi * y) ** 2 * torch.cos(torch.pi * x) ** 2  # no jump across the border
    for seed in range(5):
        s = random_array(8 + 2 * seed, seeded(seed)).sensitivities((64, 64))
        assert s.abs().square().sum(0)[disc].mean().sqrt() == pytest.approx(1, abs=0.05)
        power = fft2c(s * taper).abs().square()
        assert power[:, 26:39, 26:39].sum() > 0.999 * power.sum()  # within 6 periods per field of view


def test_elements_look_from_all_sides_with_their_own_phase():
    s = random_array(8, seeded(3)).sensitivities((64, 64))
    weight = s.abs().square()
    y, x = pixel_coordinates((64, 64))
    side = torch.atan2((weight * y).sum((1, 2)), (weight * x).sum((1, 2))).sort().values
    gaps = torch.cat([side, side[:1] + 2 * torch.pi]).diff()
    assert gaps.max() < torch.pi / 2
    assert s[:, 32, 32].angle().std() > 0.5


def test_the_seed_decides():
    assert torch.equal(random_array(8, seeded(1)).maps((16, 16)), random_array(8, seeded(1)).maps((16, 16)))
    assert not torch.allclose(random_array(8, seeded(1)).maps((16, 16)), random_array(8, seeded(2)).maps((16, 16)))


def test_no_coils_is_a_user_error():
    with pytest.raises(UserError, match="at least one element"):
        random_array(0)
