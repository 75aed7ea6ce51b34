"""The views and widgets of lesson 4 over their whole range, without a network."""

import re

import pytest
import torch
from matplotlib.colors import to_hex

from mrilab.sgr.views import FILLS, Matched, Path, bounds_view, busiest, control_view, disagreement, toy_view
from mrilab.sgr.widgets import bounds_widget, control_widget, toy_widget
from mrilab.teach.figures import new_figure
from mrilab.teach.widgets import view_html

TOY = {"strength": 1.0, "acceleration": 8, "width": 0.1, "seed": 1}


def held(view):
    return [int(count) for count in re.findall(r"truth in (\d+) of 16", view.text)]


@pytest.mark.parametrize(
    "changed", [{"strength": 0.1}, {"strength": 10.0}, {"acceleration": 2}, {"acceleration": 16}, {"width": 0.01},
                {"width": 1.0}, {"seed": 20}]
)  # fmt: skip
def test_the_toy_over_the_range_of_the_sliders(changed):
    view = toy_view(**TOY | changed)
    assert len(held(view)) == 2 and view_html(view).count("data:image/png") == 1


def test_the_toy_says_what_was_counted():
    weak, strong = (held(toy_view(**TOY | {"strength": strength})) for strength in (0.1, 10.0))
    assert weak[0] == strong[0] >= 11  # RR does not know b
    assert weak[1] < 8 and strong[1] == 16


@pytest.fixture
def path(generator):
    sizes = torch.tensor([2, 4, 5, 6, 9])
    masks = torch.arange(12)[None, :, None].expand(5, 12, 10) < sizes[:, None, None]  # (5, H, W), rows of 10
    images = torch.randn(5, 12, 10, dtype=torch.complex64, generator=generator)
    return Path(
        images, (-0.02, -0.01, 0.0, 0.01, 0.02), {"first": masks, "second": masks[[1, 1, 2, 3, 3]]}, masks[2], 0.1
    )


def test_the_path_over_its_range(path):
    texts = [bounds_view(path, position).text for position in range(5)]
    assert texts[0] == "Lower bound, b = 0.02: first sees 2.00 ml; second sees 4.00 ml; the truth is 5.00 ml."
    assert texts[2].startswith("Unguided: first sees 5.00 ml")
    assert texts[4].startswith("Upper bound, b = 0.02: first sees 9.00 ml; second sees 6.00 ml")
    assert view_html(bounds_view(path, 4)).count("data:image/png") == 1


@pytest.fixture
def matched(path):
    low, up = path.masks["first"][[1, 0]], path.masks["first"][[3, 4]]
    sgr = torch.stack([low, up], 1)  # (2, 2, H, W)
    return Matched((0.01, 0.02), {"SGR": sgr, "mean": sgr.flip(-2)}, path.reference, path.images[2])


def test_controls_over_their_range(matched):
    view = control_view(matched, 1, "mean")
    assert view.text.startswith("b = 0.02: SGR has precision 1.000 and recall 1.000; mean has precision 0.000")
    assert len(view.plot.axes) == 4 and "20 pixels" in view.plot.axes[0].get_title()
    assert control_view(matched, 0, "SGR").text.count("precision 1.000") == 2


def test_the_busiest_window_holds_what_is_marked():
    marked = torch.zeros(90, 80, dtype=torch.bool)
    marked[60:70, 5:20] = True
    rows, columns = busiest(marked, 30)
    assert marked[rows, columns].sum() == 150 and marked[rows, columns].shape == (30, 30)


def test_colours_say_where_two_segmentations_differ():
    segmented = torch.tensor([[True, True], [False, False]])
    axis = new_figure(2, 2).subplots()
    disagreement(axis, torch.zeros(2, 2) + 1e-9, segmented, segmented.T, "two")
    drawn = (axis.images[0].get_array()[..., :3] * 255).round()
    assert [to_hex(drawn[at] / 255).upper() for at in ((1, 0), (0, 1))] == [FILLS["missing"], FILLS["too much"]]
    assert drawn[1, 1].tolist() == [255, 255, 255] and drawn[0, 0, 1] > drawn[0, 0, 0]  # the image; and green in it


def test_sliders_move_the_pictures(path, matched):
    for box, name, value, expected in (
        (toy_widget(), "strength", 10.0, "b x steps = 10.00"),
        (bounds_widget(path), "position", 0, "Lower bound"),
        (control_widget(matched), "number", 0, "b = 0.01"),
    ):
        before = box.picture.value
        box._controls[name].value = value
        assert box.picture.value != before and expected in box.picture.value
