import itertools
import re

import ipywidgets
import numpy as np
import pytest
import torch

from mrilab.anatomy.contrast import TISSUES
from mrilab.classical.loops import ring_array
from mrilab.classical.views import (
    PRESETS,
    SEQUENCES,
    Stroke,
    contrast_view,
    demonstration_head,
    explorer_view,
    paint,
    painter_view,
    preset_mask,
)
from mrilab.classical.widgets import contrast_widget, explorer_widget, painter_widget
from mrilab.physics.gfactor import g_factor
from mrilab.physics.noise import complex_noise
from mrilab.physics.support import object_support
from mrilab.teach.widgets import view_html

SHAPE = (60, 60)


@pytest.fixture
def shares(generator):
    return torch.rand(len(TISSUES), 12, 14, generator=generator).softmax(0)


@pytest.fixture
def image(generator):
    return complex_noise(SHAPE, generator) + 2


def assert_sound(view):
    assert view.text.endswith(".")
    assert "nan" not in view.text
    for panel in view.panels:
        values, (low, high) = panel.values(), panel.range()
        assert np.isfinite(values).all()
        assert np.isrealobj(values)
        assert low < high
        assert panel.title


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_contrast_over_the_whole_range_of_the_sliders(sequence, shares):
    for tr, te, ti in itertools.product((100, 372, 2000, 10000), (5, 100, 300), (50, 1500, 5000)):
        view = contrast_view(shares, sequence, tr, te, ti)
        assert_sound(view)
        fits = te <= tr / 2 and (sequence == "spin echo" or te + ti <= tr)
        assert ("shortened" in view.text) == (not fits)


def test_contrast_is_the_signal_equation(shares):
    pure = torch.zeros(len(TISSUES), 1, 1)
    pure[[tissue.name for tissue in TISSUES].index("white matter")] = 1
    expected = 0.70 * (1 - np.exp(-600 / 830)) * np.exp(-15 / 80)
    assert contrast_view(pure, "spin echo", 600, 15, 0).panels[0].values().item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_painter_over_all_presets_and_accelerations(preset, image):
    for acceleration in range(1, 13):
        mask = preset_mask(preset, SHAPE, acceleration)
        assert mask.shape == SHAPE and mask.dtype == torch.bool
        assert_sound(painter_view(image, mask))


def test_painter_presets_keep_what_they_say(image):
    assert "PSNR infinite" not in painter_view(image, preset_mask("centre only", SHAPE, 4)).text
    assert float(preset_mask("centre only", SHAPE, 4).float().mean()) == pytest.approx(1 / 4, rel=0.03)
    both = preset_mask("centre only", SHAPE, 4) ^ preset_mask("edge only", SHAPE, 4)
    assert both.all()
    assert "no image" in painter_view(image, preset_mask("nothing", SHAPE, 4)).text
    assert "R = 1.00" in painter_view(image, preset_mask("everything", SHAPE, 4)).text


def test_strokes_are_applied_in_order_and_leave_the_preset_alone():
    nothing = preset_mask("nothing", SHAPE, 4)
    painted = paint(nothing, [Stroke(0, 0, 5), Stroke(0, 0, 2, sampled=False), Stroke(-30, 29, 1)])
    assert not nothing.any()
    assert painted[30, 34] and not painted[30, 31] and painted[0, 59]
    assert not paint(painted, [Stroke(0, 0, 100, sampled=False)]).any()


@pytest.mark.parametrize("acceleration", [1, 2, 3, 4, 5, 6])
def test_explorer_over_the_whole_range_of_the_sliders(acceleration, image):
    for n_coils, noise_std in itertools.product((2, 3, 5, 8, 16), (0.0, 0.05, 0.1)):
        view = explorer_view(image, acceleration, n_coils, noise_std)
        assert_sound(view)
        assert (len(view.panels) == 4) == (n_coils >= acceleration)


def mean_g(view):
    return float(re.search(r"g is ([\d.]+)", view.text)[1])


def test_more_coils_lower_the_g_factor_on_average():
    head, _ = demonstration_head()
    support = object_support(head)
    means = []
    for n_coils in (6, 8, 9, 10, 12, 16):
        arrays = [ring_array(n_coils, torch.Generator().manual_seed(seed)) for seed in range(6)]
        each = [g_factor(array.maps(tuple(head.shape)), 4, support=support)[support].mean() for array in arrays]
        means.append(float(torch.stack(each).mean()))
    assert means == sorted(means, reverse=True)
    assert means[-1] < 1.6


def test_the_explorer_gains_from_coils_and_from_knowing_the_air():
    head, _ = demonstration_head()
    g = {n_coils: mean_g(explorer_view(head, 4, n_coils, 0.02)) for n_coils in (6, 8, 10, 12, 16)}
    assert list(g.values()) == sorted(g.values(), reverse=True)
    assert mean_g(explorer_view(head, 4, 8, 0.02, use_support=False)) > 1.5 * g[8]


def test_the_painter_shows_the_ghosts_of_every_second_line():
    head, _ = demonstration_head()
    view = painter_view(head, preset_mask("every R-th line", tuple(head.shape), 2))
    assert view.panels[2].values().shape == tuple(head.shape)
    assert (view.panels[2].values() > 0.9).sum() == 2


def test_explorer_unfolds_exactly_without_noise(image):
    view = explorer_view(image, 3, 8, 0.0)
    assert view.panels[2].values().max() < 1e-3 * image.abs().max()


@pytest.mark.parametrize("build", [contrast_widget, painter_widget, explorer_widget])
def test_widgets_answer_every_control(build):
    box = build()
    assert isinstance(box, ipywidgets.VBox)
    for slider in (c for c in _all(box) if isinstance(c, ipywidgets.IntSlider | ipywidgets.FloatSlider)):
        for value in (slider.min, slider.max):
            before = slider.value
            slider.value = value
            assert box.picture.value.startswith("<div")
            slider.value = before


def test_painter_buttons_paint_erase_and_undo():
    box = painter_widget()
    press = {button.description: button for button in _all(box) if isinstance(button, ipywidgets.Button)}
    next(c for c in _all(box) if isinstance(c, ipywidgets.Dropdown)).value = "nothing"
    empty = box.picture.value
    press["Sample disc"].click()
    painted = box.picture.value
    assert "no image" in empty and "no image" not in painted
    press["Erase disc"].click()
    assert box.picture.value == empty
    press["Undo"].click()
    assert box.picture.value == painted
    press["Clear strokes"].click()
    press["Undo"].click()  # nothing left to undo, and nothing happens
    assert box.picture.value == empty


def test_pictures_of_a_view_are_described(image):
    page = view_html(explorer_view(image, 2, 4, 0.01))
    assert len(re.findall(r"<img alt=\"[^\"]+\"", page)) == page.count("<img") == 8


def _all(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _all(child)
