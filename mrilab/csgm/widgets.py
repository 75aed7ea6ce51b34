"""The widgets of lesson 2: sliders in front of the functions in `mrilab.csgm.views`."""

from collections.abc import Callable

import ipywidgets as w
from torch import Tensor

from mrilab.csgm.views import Path, ShiftExplorer, path_view, samples_view
from mrilab.data.shifts import SHIFTS
from mrilab.teach.figures import View
from mrilab.teach.widgets import Live

NOTE = "Reconstructing: networks take a second, the sampler a quarter of a minute, ConvDecoder more than one minute ..."


def path_widget(path: Path, reference: Tensor, denoise: Callable[[Tensor, float], Tensor]) -> w.Widget:
    """Build a slider along the annealing path. Every position denoises the image there anew."""
    last = len(path.images) - 1
    controls = {"level": w.IntSlider(last // 2, min=0, max=last, description="Level")}
    return Live(controls, lambda level: path_view(path, level, reference, denoise))


def samples_widget(samples: Tensor, reference: Tensor) -> w.Widget:
    """Build sliders for how many samples to average, which to look at, and how much to enlarge deviation and errors."""
    most = len(samples)
    controls = {
        "count": w.IntSlider(most, min=2, max=most, description="Average"),
        "shown": w.IntSlider(1, min=1, max=most, description="Sample"),
        "gain": w.FloatSlider(10, min=1, max=20, step=1, description="Enlarge", readout_format=".0f"),
    }
    return Live(controls, lambda **values: samples_view(samples, reference, **values))


def shifts_widget(explorer: ShiftExplorer, slow: tuple[str, ...] = ()) -> w.Widget:
    """Build controls for shift, acceleration and enlargement of the errors. The methods `slow` run only when ticked."""
    controls = {
        "shift": w.Dropdown(options=[(shift.title, name) for name, shift in SHIFTS.items()], description="Scan"),
        "acceleration": w.SelectionSlider(options=(2, 3, 4, 6, 8, 12), value=4, description="R"),
        "gain": w.FloatSlider(5, min=1, max=20, step=1, description="Enlarge", readout_format=".0f"),
    }
    controls |= {name: w.Checkbox(False, description=name) for name in slow}

    def view(shift: str, acceleration: int, gain: float, **ticked: bool) -> View:
        names = tuple(name for name in explorer.methods if ticked.get(name, True))
        return explorer.view(shift, acceleration, names, gain)

    return Live(controls, view, NOTE)
