"""The widget of lesson 1b: sliders in front of the functions in `mrilab.classical.encoding.views`."""

import ipywidgets as w
from torch import Tensor

from mrilab.classical.encoding.views import ORDERS, filling_view
from mrilab.teach.widgets import Live


def filling_widget(kspace: Tensor, tr: float) -> w.Widget:
    """Return a slider for the lines of k-space (H, W) measured so far, one every `tr` ms, and their order."""
    width = kspace.shape[-1]
    controls = {
        "count": w.IntSlider(width // 4, min=1, max=width, description="Lines"),
        "order": w.Dropdown(options=ORDERS, description="Order"),
    }
    return Live(controls, lambda **values: filling_view(kspace, tr, **values))
