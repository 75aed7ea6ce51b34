"""The shift explorer of lesson 2: choose what differs from training, and see what each method makes of it."""

from __future__ import annotations

import ipywidgets as w

from mrilab.csgm.views_shifts import ShiftExplorer
from mrilab.data.shifts import SHIFTS
from mrilab.teach.figures import View
from mrilab.teach.widgets import Live

NOTE = "Reconstructing: networks take a second, the sampler a quarter of a minute, ConvDecoder more than one minute ..."


def shifts_widget(explorer: ShiftExplorer, slow: tuple[str, ...] = ()) -> w.Widget:
    """Kind of shift, acceleration, enlargement of the errors; methods called `slow` run only when ticked."""
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
