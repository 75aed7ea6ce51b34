"""What a widget of the lessons takes to answer a slider, against the 100 ms in which an answer feels immediate."""

from __future__ import annotations

from benchmarks.timing import Row, alternate
from mrilab.classical.widgets import contrast_widget, explorer_widget, painter_widget

IMMEDIATE = 0.1  # s


def rows() -> list[Row]:
    table = []
    for build in (contrast_widget, painter_widget, explorer_widget):
        (seconds,) = alternate(build().refresh, rounds=9)
        table.append(Row(f"widget: {build.__name__}, one answer", "100 ms", seconds, IMMEDIATE, 1.0))
    return table
