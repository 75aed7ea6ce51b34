"""What lesson 5 draws and moves."""

import pytest
import torch

from mrilab.infomri.scans import OneCoil
from mrilab.infomri.train import ImageTask
from mrilab.infomri.views import coils_view, ratio_view
from mrilab.infomri.widgets import coils_widget, ratio_widget


@pytest.fixture
def network():
    return ImageTask("points", 32, 4, 8).network.eval()


@pytest.mark.parametrize("drawn", [True, False])
def test_a_ratio_shows_probabilities_mask_and_error_bar(network, drawn):
    example = OneCoil(32, 8).fixed("val", 1)
    view = ratio_view(network, example, 0.2, drawn, 3)
    titles = [panel.title for panel in view.panels]
    assert titles[:2] == ["Probability p", "Mask"] and len(titles) == 6
    assert int(view.panels[1].image.sum()) == 205 and "205 of 1024 samples" in view.text
    torch.testing.assert_close(view.panels[0].image.mean(), torch.tensor(205 / 1024), atol=1e-3, rtol=0)


@pytest.mark.parametrize("coils", [1, 4, 8])
def test_chosen_lines_tell_at_least_as_much_as_central_ones(coils):
    text = coils_view(coils, 12).text
    chosen, central = (float(text.split(word)[1].split()[0].rstrip(".")) for word in ("tell ", "DC "))
    assert chosen >= central - 0.05 and (coils == 1) == (abs(chosen - central) < 0.05)


def test_widgets_move(network):
    box = ratio_widget(network, OneCoil(32, 8).fixed("val", 1))
    before = box.picture.value
    box._controls["ratio"].value = 0.3
    assert box.picture.value != before
    box = coils_widget()
    before = box.picture.value
    box._controls["coils"].value = 1
    assert box.picture.value != before
