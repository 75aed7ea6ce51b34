"""The views and widgets of lesson 2 over their whole range, on a small exact problem and without a network."""

import re

import ipywidgets
import numpy as np
import pytest
import torch

from mrilab.csgm.langevin import annealed_langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.csgm.views import path_view, samples_view, trace_path
from mrilab.csgm.widgets import path_widget, samples_widget
from mrilab.evaluation.metrics import psnr
from mrilab.methods.exact import Gaussian
from mrilab.physics import SenseModel, fft2c
from mrilab.teach.widgets import view_html

SHAPE = (12, 14)
LEVELS = geometric_levels(2.0, 0.05, 9)
SETTINGS = {"step_lr": 0.2 * 0.05**2, "steps_per_level": 2}


@pytest.fixture
def prior():
    mean = torch.zeros(SHAPE, dtype=torch.complex128)
    mean[3:9, 3:9] = 1 + 0.5j
    return Gaussian(mean, torch.full(SHAPE, 0.01, dtype=torch.float64))


@pytest.fixture
def model():
    return SenseModel(torch.ones(1, *SHAPE, dtype=torch.complex128), (torch.arange(14) % 2 == 0)[None])


@pytest.fixture
def y(model, prior):
    return 3e-5 * fft2c(prior.mean)[None] * model.mask  # raw scans are small


@pytest.fixture
def path(prior, y, model):
    return trace_path(prior.score, y, model, LEVELS, generator=torch.Generator().manual_seed(3), **SETTINGS)


@pytest.fixture
def denoise(prior):
    return lambda x, sigma: x + sigma**2 * prior.score(x, sigma)


def assert_sound(view, panels):
    assert view.text.endswith(".") and "nan" not in view.text
    assert len(view.panels) == panels
    for panel in view.panels:
        values, (low, high) = panel.values(), panel.range()
        assert np.isfinite(values).all() and np.isrealobj(values)
        assert low < high and panel.title


def test_a_path_is_the_samplers_own(path, prior, y, model):
    assert path.images.shape == (len(LEVELS), *SHAPE) and path.residual.shape == path.sigma.shape == LEVELS.shape
    last = annealed_langevin(
        prior.score, y, model, LEVELS, generator=torch.Generator().manual_seed(3), denoise=False, **SETTINGS
    )  # fmt: skip
    torch.testing.assert_close(path.images[-1], last[0])
    expected = (model.forward(path.images[4]) - y).norm() / y.norm()
    assert float(path.residual[4]) == pytest.approx(float(expected))
    torch.testing.assert_close(path.sigma, LEVELS)
    assert path.scale == pytest.approx(float(torch.quantile(model.adjoint(y).abs(), 0.99)))


def test_path_view_over_the_whole_slider(path, prior, denoise):
    reference = 3e-5 * prior.mean
    for level in range(len(LEVELS)):
        view = path_view(path, level, reference, denoise)
        assert_sound(view, 3)
        assert f"Level {level + 1} of 9, sigma {float(LEVELS[level]):.3g}" in view.text
        assert f"{100 * float(path.residual[level]):.1f} %" in view.text
    # what is shown is the denoiser's answer to this x at this sigma, on the scale of the data
    x = path.images[-1] / path.scale
    expected = path.scale * (x + 0.05**2 * prior.score(x, 0.05))
    torch.testing.assert_close(view.panels[1].image, expected)
    assert f"of D {psnr(expected, reference):.1f} dB" in view.text


@pytest.fixture
def samples(prior):
    return prior.sample(6, torch.Generator().manual_seed(4))


def test_samples_view_over_the_whole_range(samples, prior):
    for count in range(2, 7):
        for shown, gain in ((1, 1.0), (6, 20.0)):
            view = samples_view(samples, prior.mean, count, shown, gain)
            assert_sound(view, 5)
            torch.testing.assert_close(view.panels[0].image, samples[:count].mean(0))
            torch.testing.assert_close(view.panels[1].image, samples[shown - 1])
            torch.testing.assert_close(view.panels[2].image, samples[:count].abs().std(0))
            peak = float(prior.mean.abs().max())
            assert [panel.range()[1] for panel in view.panels] == pytest.approx([peak, peak, *[peak / gain] * 3])


def test_the_mean_of_more_samples_is_nearer(samples, prior):
    quality = [
        float(re.search(r"mean of \d+ ([\d.]+) dB", samples_view(samples, prior.mean, k, 1).text)[1]) for k in (2, 6)
    ]
    assert quality[1] > quality[0] + 2


def test_widgets_answer_every_control(path, samples, prior, denoise):
    reference = 3e-5 * prior.mean
    for box in (path_widget(path, reference, denoise), samples_widget(samples, prior.mean)):
        before = box.picture.value
        sliders = [c for c in box.children[0].children if isinstance(c, ipywidgets.IntSlider | ipywidgets.FloatSlider)]
        assert sliders
        for slider in sliders:
            start = slider.value
            seen = set()
            for value in (slider.min, slider.max):
                slider.value = value
                seen.add(box.picture.value)
            assert len(seen) == 2
            slider.value = start
        assert box.picture.value == before


def test_pictures_are_described(samples, prior):
    page = view_html(samples_view(samples, prior.mean, 3, 2))
    assert len(re.findall(r"<img alt=\"[^\"]+\"", page)) == page.count("<img") == 10
