"""The object, the faults, the views and the exercises of lesson 1b."""

import math

import ipywidgets
import numpy as np
import pytest
import torch

from mrilab.classical.encoding.exercises import EXERCISES
from mrilab.classical.encoding.faults import (
    UNNAMED,
    bad_field,
    breathing,
    homodyne,
    left_out,
    small_view,
    spike,
)
from mrilab.classical.encoding.phantom import TUBES, tubes
from mrilab.classical.encoding.views import NOISE, ORDERS, design_panels, filling_view, line_order, scan_image, stages
from mrilab.classical.encoding.widgets import filling_widget
from mrilab.physics import Scan, fft2c, hertz_per_pixel, ifft2c, readout_gradient, spin_echo, trajectory
from mrilab.teach.exercises import respond


@pytest.fixture
def image():
    """A smooth blob off the centre with a smooth phase, complex128 (32, 24)."""
    v, u = torch.meshgrid(torch.arange(32.0).double() - 16, torch.arange(24.0).double() - 12, indexing="ij")
    return torch.polar(torch.exp(-((v - 3) ** 2 + (u + 2) ** 2) / 18), 0.05 * u + 0.03 * v)


@pytest.mark.parametrize("side", [48, 240])
def test_tubes_are_where_the_table_says(side):
    pd, t1, t2 = tubes(side)
    for name in ("grey", "fluid", "fat"):
        density, long, short, down, right, _ = TUBES[name]
        place = (side // 2 + round(down * side), side // 2 + round(right * side))
        assert (pd[place], t1[place], t2[place]) == (density, long, short), name
    assert not pd[0].any() and pd[side // 2, round(0.2 * side)] == TUBES["bottle"][0]


def test_bars_vary_along_one_direction_each():
    pd = tubes(48).pd
    left, right = pd[28:39, 23:29], pd[28:39, 31:36]
    assert (left == left[:, :1]).all() and set(left[:, 0].tolist()) == {0.0, 0.9}
    assert (right == right[:1]).all() and set(right[0].tolist()) == {0.0, 0.9}


def test_a_small_view_folds_what_lies_outside(image):
    folded = torch.zeros(32, 20, dtype=torch.complex128)
    for column in range(24):
        folded[:, (column - 12 + 10) % 20] += image[:, column]
    assert torch.allclose(small_view(image, 20), folded, atol=1e-12)
    assert torch.allclose(small_view(image, 24), image, atol=1e-12)


def test_a_spike_is_a_wave_of_that_frequency(image):
    added = spike(image, 3, -2, 0.5) - image
    assert torch.allclose(added.abs(), added.abs().mean().expand_as(added), atol=1e-12)
    turns = torch.angle(added[1, 0] / added[0, 0]) / (2 * math.pi), torch.angle(added[0, 1] / added[0, 0])
    assert float(turns[0]) == pytest.approx(3 / 32) and float(turns[1]) == pytest.approx(-2 * 2 * math.pi / 24)


def test_breathing_has_ghosts_at_its_period():
    x = torch.zeros(16, 24, dtype=torch.complex128)
    x[8, 12] = 1
    ghosts = breathing(x, 1.0, 4).abs().amax(0)  # (24,): periods of 4 of 24 lines are ghosts 24 / 4 apart
    places = (torch.arange(24) % 6 == 0).nonzero().flatten()
    rest = ghosts.clone()
    rest[places] = 0
    assert ghosts[places].min() > 0.1 and rest.max() < 1e-12


def test_a_bad_field_moves_one_place_along_the_readout():
    x = torch.zeros(40, 20, dtype=torch.complex128)
    x[12, 10] = x[30, 10] = 1.0  # the first where the field is worst, the second far away
    moved = bad_field(x, 3.0, 0.08, (-0.2, 0.0)).abs()
    assert moved[15, 10] == pytest.approx(1.0) and moved[12, 10] < 1e-6 and moved[30, 10] == pytest.approx(1.0)


def test_homodyne_is_exact_for_a_phase_that_the_centre_knows(image):
    y = fft2c(image.abs().to(torch.complex128))
    y[:, 15:] = 0
    y[:, 0] = 0  # the outermost line has no partner
    error = homodyne(y) - image.abs()
    assert error.abs().max() < 1e-3 and (left_out(image.abs(), 15 / 24) - image.abs()).abs().max() > 1e-3


def test_homodyne_beats_zeros_where_the_phase_is_smooth(generator):
    v, u = torch.meshgrid(torch.arange(64.0).double() - 32, torch.arange(64.0).double() - 32, indexing="ij")
    texture = 1 + torch.rand(64, 64, dtype=torch.float64, generator=generator)
    sharp = torch.polar(texture * torch.exp(-(v**2 + u**2) / 200), 0.02 * u + 1e-3 * v * u)
    y = fft2c(sharp)
    y[:, 40:] = 0
    errors = [(found.abs() - sharp.abs()).norm() for found in (homodyne(y), ifft2c(y))]
    assert errors[0] < 0.6 * errors[1]


@pytest.mark.parametrize("name", UNNAMED)
def test_unnamed_faults_spoil_the_image(name):
    v, u = torch.meshgrid(torch.arange(128.0) - 60, torch.arange(128.0) - 66, indexing="ij")
    x = ((v / 50) ** 2 + (u / 40) ** 2 < 1).to(torch.complex64)
    spoilt = UNNAMED[name](x)
    assert spoilt.shape[0] == 128 and spoilt.abs().isfinite().all()
    assert spoilt.shape != x.shape or (spoilt - x).norm() > 0.05 * x.norm()


@pytest.mark.parametrize("order", ORDERS)
def test_every_line_is_measured_once(order):
    for n in (8, 9):
        assert sorted(line_order(n, order).tolist()) == list(range(n))
    assert line_order(8, "from the centre out")[0] == 4 and line_order(9, "from the centre out")[0] == 4


@pytest.mark.parametrize("order", ORDERS)
def test_the_image_is_whole_when_all_lines_are_there(order, image):
    view = filling_view(fft2c(image), 500.0, 24, order)
    assert "24 of 24 columns after 12.0 s" in view.text and "has 0 %" in view.text
    assert np.allclose(view.panels[1].values(), image.abs())
    for count in range(1, 25):
        assert np.isfinite(filling_view(fft2c(image), 500.0, count, order).panels[0].values()).all()


def test_stages_are_the_views_of_the_widget(image):
    panels = stages(fft2c(image), 500.0, (3, 24), ORDERS[1])
    assert [panel.title for panel in panels] == ["k-space, 3 columns", "k-space, 24 columns", "image", "image"]
    assert np.allclose(panels[2].values(), filling_view(fft2c(image), 500.0, 3, ORDERS[1]).panels[1].values())


def test_the_widget_answers_its_slider(image):
    box = filling_widget(fft2c(image), 500.0)
    (slider,) = [c for c in box.children[0].children if isinstance(c, ipywidgets.IntSlider)]
    before = box.picture.value
    slider.value = slider.max
    assert box.picture.value != before and "24 of 24" in box.picture.value


def test_the_design_images_have_the_snr_they_claim():
    scan = Scan(tr=500.0, te=12.0, lines=120, samples=120)
    spins = tubes(240)
    images = torch.stack([scan_image(scan, spins, seed) for seed in range(40)])
    bottle = images[:, 200, 115]  # a place without tube or bars
    signal = spin_echo(*(value[200, 115] for value in spins), 500.0, 12.0)
    assert float(bottle.real.mean()) == pytest.approx(float(signal), rel=0.1)
    assert float(bottle.imag.std()) == pytest.approx(NOISE / scan.snr(), rel=0.35)


def test_design_panels_say_time_voxel_and_noise():
    (panel,) = design_panels({"mine": Scan(tr=1000.0, te=12.0, lines=120, samples=120)})
    assert panel.xlabel.startswith("120 s, in time\n2.0 x 2.0 x 5.0 mm, SNR ")


def test_solutions_are_what_the_package_does():
    fov, dwell, n = 220.0, 0.013, 192
    gradient = EXERCISES["readout"].solution(fov, dwell)
    assert gradient == pytest.approx(readout_gradient(fov, dwell))
    assert EXERCISES["frequency"].solution(gradient, fov / n) == pytest.approx(hertz_per_pixel(n, dwell))
    assert EXERCISES["shift"].solution(hertz_per_pixel(n, dwell), n, dwell) == pytest.approx(1.0)
    assert EXERCISES["slice"].solution(1 / dwell, gradient) == (pytest.approx(fov))
    lobes = torch.tensor([1.0, -3.0, 2.5], dtype=torch.float64)
    assert torch.allclose(EXERCISES["trajectory"].solution(lobes, 0.3), trajectory(lobes, 0.3))
    scan = Scan(tr=700.0, te=10.0, lines=96, samples=128, averages=3, acceleration=2.0)
    assert EXERCISES["scan-time"].solution(700.0, 96, 128, 3, 2.0) == pytest.approx(scan.seconds())


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.cases])
def test_one_number_for_all_cases_is_told_apart(name):
    exercise = EXERCISES[name]
    for case in exercise.cases:
        number = exercise.solution(*case)
        assert respond(exercise, lambda *a, number=number: number).startswith("not yet")
