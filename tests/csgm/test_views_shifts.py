"""The shift explorer over its whole range, with quick methods in the place of networks."""

import numpy as np
import pytest

from mrilab.csgm.views import ShiftExplorer
from mrilab.csgm.widgets import NOTE, shifts_widget
from mrilab.data.shifts import SHIFTS

METHODS = {"zero-filled": ("zero-filled", {}), "CG": ("cg-sense", {"iterations": 2})}


@pytest.fixture(scope="module")
def explorer():
    return ShiftExplorer(METHODS, number=1)


@pytest.mark.parametrize("acceleration", [4, 8])
@pytest.mark.parametrize("shift", SHIFTS)
def test_every_scan_is_shown_with_reference_mask_images_and_errors(explorer, shift, acceleration):
    view = explorer.view(shift, acceleration, tuple(METHODS))
    assert len(view.panels) == 2 * (1 + len(METHODS))
    for panel in view.panels:
        values, (low, high) = panel.values(), panel.range()
        assert np.isfinite(values).all() and low < high and panel.title
    assert SHIFTS[shift].title in view.text and "nan" not in view.text and view.text.endswith(".")


def test_the_mask_is_the_shifts(explorer):
    sampled = {name: explorer.view(name, 4, ("CG",)).panels[2].values() for name in ("none", "horizontal", "poisson")}
    assert (sampled["none"] == sampled["none"][:1]).all() and (
        sampled["horizontal"] == sampled["horizontal"][:, :1]
    ).all()
    assert 0.24 < sampled["poisson"].mean() < 0.26


def test_titles_and_sentence_give_the_psnr_of_the_result(explorer):
    view = explorer.view("t1", 4, tuple(METHODS))
    for name, panel in zip(METHODS, view.panels[1:], strict=False):
        figure = f"{explorer.result('t1', 4, name).metrics['psnr']:.1f} dB"
        assert panel.title == f"{name}\n{figure}" and f"{name} {figure}" in view.text


def test_what_was_computed_is_kept(explorer):
    assert explorer.result("none", 4, "CG") is explorer.result("none", 4, "CG")


def test_the_widget_runs_a_slow_method_only_when_it_is_ticked(monkeypatch):
    explorer, ran = ShiftExplorer(METHODS), []
    monkeypatch.setattr(
        explorer, "view", lambda *arguments: ran.append(arguments) or ShiftExplorer.view(explorer, *arguments)
    )
    widget = shifts_widget(explorer, slow=("CG",))
    assert ran[-1] == ("none", 4, ("zero-filled",), 5.0)
    widget._controls["CG"].value = True
    assert ran[-1] == ("none", 4, ("zero-filled", "CG"), 5.0)
    widget._controls["shift"].value = "horizontal"
    assert (
        ran[-1][0] == "horizontal" and "horizontal lines" in widget.picture.value and NOTE not in widget.picture.value
    )


def test_the_widget_says_that_it_works(monkeypatch):
    explorer, seen = ShiftExplorer(METHODS), []
    widget = shifts_widget(explorer)
    original = explorer.view
    monkeypatch.setattr(explorer, "view", lambda *arguments: seen.append(widget.picture.value) or original(*arguments))
    widget._controls["gain"].value = 7
    assert NOTE in seen[-1]
