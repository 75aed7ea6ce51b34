"""The views and widgets of lesson 3 over their whole range, without a network."""

import re

import pytest
import torch

from mrilab.flat.flow import time_grid
from mrilab.flat.spectrum import RULES
from mrilab.flat.views import Walk, rules_view, walk_view
from mrilab.flat.widgets import rules_widget, walk_widget
from mrilab.teach.widgets import view_html

DEFAULT = {"rule": "exact", "K": 12, "alpha": 1.0, "s": 0.5, "noise_std": 0.1}


def numbers(view):
    off, ratio = re.search(r"is ([\d.]+) % off .* they have ([\d.]+) of", view.text).groups()
    return float(off), float(ratio)


@pytest.mark.parametrize(
    "changed",
    [{}, *({"rule": rule} for rule in RULES[1:]), {"K": 1}, {"K": 60}, {"alpha": 0.0}, {"alpha": 4.0}, {"s": 0.0},
     {"s": 2.0}, {"noise_std": 0.001}, {"noise_std": 1.0}, {"rule": "derived, rho bound", "s": 0.0, "K": 1}],
)  # fmt: skip
def test_the_rules_over_the_range_of_the_sliders(changed):
    view = rules_view(**DEFAULT | changed)
    assert all(bool(torch.isfinite(torch.view_as_real(panel.image)).all()) for panel in view.panels)
    html = view_html(view)
    assert html.count("<figure") == 4 and html.count("data:image/png") == 9  # with colour bars, and the curves


def test_what_the_text_says_is_the_theory():
    off, ratio = numbers(rules_view(**DEFAULT | {"s": 0.0}))
    assert off == 0 and ratio == 0  # the ray ends at the mean, and spreads nothing
    few, many = (numbers(rules_view(**DEFAULT | {"K": K}))[1] for K in (6, 60))
    assert few < many < 1
    assert numbers(rules_view(**DEFAULT | {"rule": "paper"}))[0] > 1


def walk(generator, K=4):
    clean, start = (torch.randn(9, 8, dtype=torch.complex64, generator=generator) for _ in range(2))
    t = time_grid(K)
    states = (1 - t)[:, None, None] * (clean + 0.1) + t[:, None, None] * start
    return clean, Walk(states.to(torch.complex64), t)


def test_the_walk_over_its_range(generator):
    reference, one = walk(generator)
    walks = {"free": one, "aligned": Walk(one.states[:3], one.t[[0, 1, 4]])}
    for cascade in range(5):
        view = walk_view(walks, cascade, reference)
        assert len(view.panels) == 6 and f"After cascade {cascade}: free" in view.text
        assert view_html(view).count("<figure") == 6
    assert torch.allclose(view.panels[1].image, reference)  # the ideal state at the end is the image
    assert "x^2" in view.panels[3].title  # the shorter one stays at its end


def test_sliders_move_the_pictures(generator):
    box = rules_widget()
    before = box.picture.value
    box._controls["K"].value = 3
    assert box.picture.value != before and "K = 3" in box.picture.value
    reference, one = walk(generator)
    box = walk_widget({"free": one}, reference)
    before = box.picture.value
    box._controls["cascade"].value = 4
    assert box.picture.value != before and "After cascade 4" in box.picture.value
