"""The widgets of lesson 5: sliders in front of the functions in `mrilab.infomri.views`."""

import ipywidgets as w

from mrilab.infomri.model import InfoMRI
from mrilab.infomri.scans import Examples
from mrilab.infomri.views import coils_view, ratio_view
from mrilab.teach.widgets import Live


def ratio_widget(network: InfoMRI, example: Examples) -> w.Widget:
    """Build a slider for the ratio, a choice of draw or top-k, and a seed, in front of one head."""
    low, high = network.ratios
    controls = {
        "ratio": w.FloatSlider(
            0.125, min=round(low, 3), max=high, step=0.005, description="Ratio", readout_format=".3f"
        ),
        "drawn": w.ToggleButtons(options={"Draw": True, "Top k": False}, description="Mask"),
        "seed": w.IntSlider(0, min=0, max=20, description="Seed"),
    }
    return Live(controls, lambda **values: ratio_view(network, example, **values))


def coils_widget() -> w.Widget:
    """Build sliders for the numbers of coils and of lines in front of a scan in one dimension."""
    controls = {
        "coils": w.IntSlider(4, min=1, max=8, description="Coils"),
        "lines": w.IntSlider(12, min=2, max=24, description="Lines"),
    }
    return Live(controls, coils_view, "Choosing lines ...")
