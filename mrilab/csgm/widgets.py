"""The widgets of lesson 2: sliders in front of the functions in `mrilab.csgm.views`."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w
from torch import Tensor

from mrilab.csgm.views import Path, path_view, samples_view
from mrilab.teach.widgets import Live


def path_widget(path: Path, reference: Tensor, denoise: Callable[[Tensor, float], Tensor]) -> w.Widget:
    """A slider along the annealing path; every position denoises the image there anew."""
    last = len(path.images) - 1
    controls = {"level": w.IntSlider(last // 2, min=0, max=last, description="Level")}
    return Live(controls, lambda level: path_view(path, level, reference, denoise))


def samples_widget(samples: Tensor, reference: Tensor) -> w.Widget:
    """How many samples to average, which one to look at, and how much to enlarge deviation and errors."""
    most = len(samples)
    controls = {
        "count": w.IntSlider(most, min=2, max=most, description="Average"),
        "shown": w.IntSlider(1, min=1, max=most, description="Sample"),
        "gain": w.FloatSlider(10, min=1, max=20, step=1, description="Enlarge", readout_format=".0f"),
    }
    return Live(controls, lambda **values: samples_view(samples, reference, **values))
