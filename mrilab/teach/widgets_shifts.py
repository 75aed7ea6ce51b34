"""The shift explorer of lesson 2: choose what differs from training, and see what each method makes of it."""

from __future__ import annotations

import ipywidgets as w

from mrilab.data.shifts import SHIFTS
from mrilab.teach.views import View
from mrilab.teach.views_shifts import ShiftExplorer
from mrilab.teach.widgets import Live

NOTE = "Reconstructing; the networks take a second, a chain of Langevin sampling a quarter of a minute or more ..."


def shifts_widget(explorer: ShiftExplorer, slow: str | None = None) -> w.Widget:
    """Kind of shift, acceleration, enlargement of the errors; the method called `slow` runs only when it is ticked."""
    controls = {
        "shift": w.Dropdown(options=[(shift.title, name) for name, shift in SHIFTS.items()], description="Scan"),
        "acceleration": w.SelectionSlider(options=(2, 3, 4, 6, 8, 12), value=4, description="R"),
        "gain": w.FloatSlider(5, min=1, max=20, step=1, description="Enlarge", readout_format=".0f"),
    }
    if slow is not None:
        controls["with_slow"] = w.Checkbox(False, description=slow)

    def view(shift: str, acceleration: int, gain: float, with_slow: bool = False) -> View:
        names = tuple(name for name in explorer.methods if name != slow or with_slow)
        return explorer.view(shift, acceleration, names, gain)

    return Live(controls, view, NOTE)
