"""The widgets of lesson 3: sliders in front of the functions in `mrilab.flat.views`."""

from collections.abc import Mapping

import ipywidgets as w
from torch import Tensor

from mrilab.flat.spectrum import RULES
from mrilab.flat.views import Walk, rules_view, walk_view
from mrilab.teach.widgets import Live


def rules_widget() -> w.Widget:
    """Build sliders for rule, cascades, schedule, and the noises of start and data, on a Gaussian image."""
    controls = {
        "rule": w.Dropdown(options=RULES, description="Rule"),
        "K": w.IntSlider(12, min=1, max=60, description="K"),
        "alpha": w.FloatSlider(1.0, min=0, max=4, step=0.25, description="alpha", readout_format=".2f"),
        "s": w.FloatSlider(0.5, min=0, max=2, step=0.1, description="s", readout_format=".1f"),
        "noise_std": w.FloatLogSlider(0.1, min=-3, max=0, step=0.1, description="sigma", readout_format=".3f"),
    }
    return Live(controls, rules_view)


def walk_widget(walks: Mapping[str, Walk], reference: Tensor) -> w.Widget:
    """Build a slider along the cascades of several networks at once."""
    last = max(len(walk.states) for walk in walks.values()) - 1
    controls = {
        "cascade": w.IntSlider(last // 2, min=0, max=last, description="Cascade"),
        "gain": w.FloatSlider(5, min=1, max=20, step=1, description="Enlarge", readout_format=".0f"),
    }
    return Live(controls, lambda **values: walk_view(walks, reference=reference, **values))
