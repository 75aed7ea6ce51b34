"""The widgets of lesson 5, part 2: sliders in front of the functions in `mrilab.infomri.tasks.views`."""

from collections.abc import Mapping

import ipywidgets as w
from torch import Tensor

from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.tasks.labelled import Labelled
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.scans import Cases
from mrilab.infomri.tasks.views import answers_view, privacy_view
from mrilab.teach.widgets import Live


def answers_widget(network: LatentSegmenter, case: Cases) -> w.Widget:
    """Build sliders for acceleration, number of answers, threshold and seed in front of one head."""
    controls = {
        "acceleration": w.SelectionSlider(options=[2, 4, 8, 16, 32], value=8, description="Acceleration"),
        "draws": w.SelectionSlider(options=[3, 8, 32, 128], value=32, description="Answers"),
        "threshold": w.FloatSlider(0.5, min=0.05, max=0.95, step=0.05, description="Threshold"),
        "seed": w.IntSlider(1, min=1, max=20, description="Seed"),
    }
    return Live(controls, lambda **values: answers_view(network, case, **values), "Drawing answers ...")


def privacy_widget(
    patterns: Mapping[float, Tensor], accuracy: Mapping[float, float], digits: Labelled, gaussian: GaussianKspace
) -> w.Widget:
    """Build sliders for beta and for the digit in front of what its samples allow."""
    controls = {
        "beta": w.SelectionSlider(options=[*patterns], description="beta"),
        "number": w.IntSlider(0, min=0, max=len(digits.x) - 1, description="Digit"),
    }
    return Live(controls, lambda **values: privacy_view(patterns, accuracy, digits, gaussian, **values))
