import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from mrilab.physics.noise import complex_noise
from mrilab.teach import figures
from mrilab.teach.figures import Panel, curves, error_panel, gallery, new_figure, show


@pytest.fixture
def displayed(monkeypatch):
    """What the figures hand to IPython: a list of (picture, metadata), and of captions as they are."""
    outputs = []

    def display(data, raw, metadata=None):
        if "image/png" in data:
            outputs.append((Image.open(io.BytesIO(base64.b64decode(data["image/png"]))), metadata))
        else:
            outputs.append(data)

    monkeypatch.setattr(figures, "display", display)
    return outputs


def test_a_figure_is_one_small_png_with_its_description(displayed, generator):
    x = complex_noise((32, 40), generator)
    panels = [Panel(kind, x, kind) for kind in ("magnitude", "phase", "log", "error")]
    gallery([*panels, Panel("mask", x.abs() > 1, "mask")], alt="five images", columns=3)
    ((picture, metadata),) = displayed
    assert metadata == {"image/png": {"alt": "five images"}}
    assert picture.mode == "P" and picture.width > picture.height > 100


def test_curves_show_and_draw_into_a_given_axis(displayed):
    lines = {"one": [1, 2, 3], "two": torch.tensor([3.0, 2, 1])}
    labels = {"title": "t", "xlabel": "x", "ylabel": "y"}
    curves([1, 2, 3], lines, "two lines", **labels)
    assert displayed[0][0].width > 300
    figure = new_figure(3, 2)
    axis = figure.subplots()
    curves([1, 2, 3], lines, "", axis=axis, **labels)
    assert axis.get_title() == "t" and len(axis.lines) == 2
    assert len(displayed) == 1  # whoever gives the axis shows the figure


def test_a_caption_stands_under_the_figure_as_text(displayed):
    x = torch.eye(4)
    gallery([Panel("a", x)], alt="one", caption="Levels in a.u., a < b. It is bright.")
    curves([1, 2], {"one": [1, 2]}, "two", caption="Time in ms.", title="t", xlabel="x", ylabel="y")
    assert len(displayed) == 4
    assert displayed[1]["text/html"] == "<figcaption>Levels in a.u., a &lt; b. It is bright.</figcaption>"
    assert displayed[1]["text/plain"] == "Levels in a.u., a < b. It is bright."
    assert displayed[3]["text/plain"] == "Time in ms."


def test_a_figure_without_description_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        show(new_figure(1, 1), " ")


def test_panels_draw_what_they_say():
    x = torch.tensor([[1.0, -1], [10j, 0]])
    assert Panel("", x).values().tolist() == [[1, 1], [10, 0]]
    assert np.allclose(Panel("", x, "log").values(), [[0, 0], [1, -5]])
    assert np.allclose(Panel("", x, "phase").values(), [[0, np.pi], [np.pi / 2, 0]])
    assert Panel("", torch.tensor([[-2.0, 1]]), "map").range() == (-2, 1)
    assert Panel("", torch.zeros(2, 2)).range() == (0, 1)  # a colour bar needs two ends
    assert error_panel("", 2 * x, x, peak=10).range() == (0, 2)
    assert error_panel("", 2 * x, x, peak=10).values().tolist() == [[1, 1], [10, 0]]
