import math

import pytest
import torch

from mrilab.anatomy.drawing import FAR, Canvas, spline, tissue_signals
from mrilab.physics.signal import spin_echo


def canvas(n=96, seed=0, fov=96.0):
    return Canvas((n, n), fov, torch.Generator().manual_seed(seed), ("background", "organ"))


def test_spline_passes_through_its_points_and_keeps_a_circle_round():
    points = torch.rand(7, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(spline(points, steps=4)[::4], points)
    torch.testing.assert_close(spline(points, closed=False, steps=3)[::3], points)
    t = torch.arange(12) * (2 * math.pi / 12)
    radius = spline(torch.stack([t.cos(), t.sin()], -1)).norm(dim=1)
    assert (radius - 1).abs().max() < 0.003


def test_distance_to_a_circle_is_exact_near_and_far_enough_beyond():
    c = canvas()
    distance = c.ellipse(3.0, -5.0, 20.0, 20.0)
    exact = torch.hypot(c.x - 3, c.y + 5) - 20
    near = exact < FAR - 1
    torch.testing.assert_close(distance[near], exact[near], atol=0.2, rtol=0)
    assert (distance[~near] >= FAR - 1.2).all()


def test_distance_to_a_tube_follows_its_width():
    c = canvas()
    distance = c.tube([(-30, 0), (30, 0)], [4.0, 8.0])
    middle, below = distance[48 + 10, 48], distance[48, 48]
    assert middle.item() == pytest.approx(10 - 3, abs=0.05) and below.item() == pytest.approx(-3, abs=0.05)
    assert (distance < 0).sum().item() == pytest.approx(60 * 6 + math.pi * (4 + 16) / 2, rel=0.03)


def test_polygon_sign_is_right_where_the_outline_is_concave():
    c = canvas()
    square_with_notch = [(-20, -20), (20, -20), (20, 20), (5, 20), (5, -10), (-5, -10), (-5, 20), (-20, 20)]
    distance = c.distance(torch.tensor(square_with_notch, dtype=torch.float32))
    inside = (c.x.abs() < 20) & (c.y.abs() < 20) & ~((c.x.abs() < 5) & (c.y > -10))
    clear = distance.abs() > 0.1
    assert torch.equal((distance < 0)[clear], inside[clear])


def test_painted_borders_are_half_covered_on_the_outline():
    c = canvas()
    c.softness = torch.ones_like(c.x)
    c.paint("organ", c.x - 0.0, 2.0, edge=8.0)  # the left half, blending over 8 mm
    row = c.signal[10]
    assert row[48].item() == pytest.approx(1.0) and row[44].item() == pytest.approx(2.0) and row[52].item() == 0
    assert set(c.labels.unique().tolist()) == {0, 1} and c.labels[10, 47] == 1 and c.labels[10, 48] == 0


@pytest.mark.parametrize("along,across", [(6.0, 6.0), (12.0, 2.0)])
def test_noise_has_unit_variance_and_the_stated_direction(along, across):
    c = canvas(192)
    fields = torch.stack([c.noise(along, across) for _ in range(8)])
    assert fields.std().item() == pytest.approx(1, abs=0.12)
    assert abs(fields.mean().item()) < 0.1
    steepness = [fields.diff(dim=d).square().mean() for d in (1, 2)]  # down, to the right
    assert (steepness[0] / steepness[1]).sqrt().item() == pytest.approx(along / across, rel=0.25)


def test_noise_and_deformation_are_functions_of_position_not_of_pixels():
    coarse, fine = canvas(48), canvas(96)
    for c in (coarse, fine):
        c.deform((3.0, 30))
    torch.testing.assert_close(fine.x[::2, ::2], coarse.x)
    torch.testing.assert_close(fine.noise(4.0)[::2, ::2], coarse.noise(4.0))


def test_place_puts_the_template_where_it_says():
    c = canvas()
    c.place(math.pi / 2, (1.0, 1.0), (10.0, 0.0))
    # a quarter turn: the template's x axis points down in the picture, about the point (10, 0)
    assert c.x[48 + 7, 48 + 10].item() == pytest.approx(7, abs=1e-5)
    assert c.y[48 + 7, 48 + 10].item() == pytest.approx(0, abs=1e-5)


def test_tissue_signals_scatter_about_the_signal_equation():
    table = {"water": (1000.0, 80.0, 0.8), "fat": (371.0, 133.0, 0.9)}
    draws = [tissue_signals(table, 2500, 30, torch.Generator().manual_seed(i)) for i in range(200)]
    for name, (t1, t2, pd) in table.items():
        values = torch.tensor([d[name] for d in draws])
        assert values.mean().item() == pytest.approx(float(spin_echo(pd, t1, t2, 2500, 30)), rel=0.03)
        assert 0.03 < (values.std() / values.mean()).item() < 0.12


def test_image_has_the_painted_magnitude_and_a_smooth_phase():
    c = canvas()
    c.paint("organ", c.ellipse(0, 0, 30, 30), 1.5)
    image = c.image(phase=1.0)
    assert image.dtype == torch.complex64
    torch.testing.assert_close(image.abs(), c.signal)
    inside = c.labels == 1
    step = (image[:, 1:] * image[:, :-1].conj()).angle().abs()[inside[:, 1:] & inside[:, :-1]]
    assert step.max() < 0.3  # rad per pixel
    assert image[inside].angle().std() > 0.1
