"""The widgets of lesson 4: sliders in front of the functions in `mrilab.sgr.views`."""

import ipywidgets as w
import pandas as pd

from mrilab.sgr.charts import acceleration_view
from mrilab.sgr.views import Matched, Path, bounds_view, control_view, toy_view
from mrilab.teach.widgets import Live


def toy_widget() -> w.Widget:
    """Build sliders for strength, acceleration, width of the segmentation and draw of the toy, which runs anew."""
    controls = {
        "strength": w.FloatLogSlider(1.0, min=-1, max=1, step=0.1, description="b x steps", readout_format=".2f"),
        "acceleration": w.SelectionSlider(options=(2, 4, 8, 16), value=8, description="R"),
        "width": w.FloatLogSlider(0.1, min=-2, max=0, step=0.25, description="width", readout_format=".2f"),
        "seed": w.IntSlider(1, min=1, max=20, description="Draw"),
    }
    return Live(controls, toy_view, "Drawing chains ...")


def bounds_widget(path: Path) -> w.Widget:
    """Build a slider from the lower bound through the unguided image to the upper bound."""
    last = len(path.strengths) - 1
    controls = {"position": w.IntSlider(last // 2, min=0, max=last, description="Low to up", readout=False)}
    return Live(controls, lambda position: bounds_view(path, position), "Drawing ...")


def control_widget(matched: Matched) -> w.Widget:
    """Build a slider for b and a choice of the control that stands beside guidance."""
    labels = [(f"b = {b:g}", number) for number, b in enumerate(matched.strengths)]
    controls = {
        "number": w.SelectionSlider(options=labels, value=len(labels) - 1, description="Strength"),
        "control": w.Dropdown(options=[name for name in matched.bounds if name != "SGR"], description="Control"),
    }
    return Live(controls, lambda **values: control_view(matched, **values), "Drawing ...")


def acceleration_widget(rows: pd.DataFrame) -> w.Widget:
    """Build a choice of head and class in front of the bounds by acceleration; `rows` are those of `sgr_bounds`."""
    controls = {
        "scan": w.Dropdown(options=sorted(rows["scan"].unique()), description="Head"),
        "name": w.Dropdown(options=list(rows["name"].unique()), description="Class"),
    }
    return Live(controls, lambda **values: acceleration_view(rows, **values), "Drawing ...")
