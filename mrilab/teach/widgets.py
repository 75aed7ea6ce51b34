"""The widgets of the lessons: sliders in front of the functions in a paper's `views`.

A widget needs a running kernel. Each builder in a paper's `widgets` returns an ipywidgets box. Its pictures are one
HTML widget, encoded straight from arrays in milliseconds, where a matplotlib figure takes a tenth of a second.
"""

import base64
import html
import io
from collections.abc import Callable

import ipywidgets as w
import matplotlib
import numpy as np
from PIL import Image

from mrilab.teach.figures import MAPS, Panel, View, png

HEIGHT = 240  # the height of a picture, in pixels of the screen


class Live(w.VBox):
    """Controls above one HTML widget that `refresh` fills with the view of their values.

    A view that takes longer than a tenth of a second has a `note` to read until it is there.
    """

    def __init__(self, controls: dict[str, w.Widget], view: Callable[..., View], note: str = ""):
        self._controls, self._view, self._note = controls, view, note
        self.picture = w.HTML()
        super().__init__([w.HBox(list(controls.values()), layout=w.Layout(flex_flow="row wrap")), self.picture])
        for control in controls.values():
            control.observe(lambda _: self.refresh(), names="value")
        self.refresh()

    def refresh(self) -> None:
        if self._note:
            self.picture.value = f"<p>{html.escape(self._note)}</p>"
        self.picture.value = view_html(self._view(**{name: c.value for name, c in self._controls.items()}))


def view_html(view: View) -> str:
    """Return the panels side by side, each with title, colour bar and alternative text, above sentence and curves."""
    figures = "".join(panel_html(panel) for panel in view.panels)
    text = html.escape(view.text)
    page = f'<div style="display:flex;flex-wrap:wrap;gap:14px">{figures}</div><p>{text}</p>'
    if view.plot is not None:
        page += f'<img alt="curves: {text}" src="data:image/png;base64,{base64.b64encode(png(view.plot)).decode()}">'
    return page


def panel_html(panel: Panel) -> str:
    """Return one image as an HTML figure."""
    low, high = panel.range()
    title, values = html.escape(panel.title), panel.values()
    strip = np.linspace(low, high, 128)[None].repeat(6, 0)
    return (
        f'<figure style="margin:0"><figcaption><b>{title}</b></figcaption>'
        f'<img alt="{title}" src="{_png(values, panel, max(1, HEIGHT // len(values)))}"><br>'
        f'{low:.2g} <img alt="colour bar" style="vertical-align:middle" src="{_png(strip, panel, 1)}"> '
        f"{high:.2g} {html.escape(panel.scale())}</figure>"
    )


def _png(values: np.ndarray, panel: Panel, zoom: int) -> str:
    low, high = panel.range()
    level = np.clip((values - low) / (high - low), 0, 1)
    colours = matplotlib.colormaps[MAPS[panel.kind]](level, bytes=True)[..., :3]
    stream = io.BytesIO()
    Image.fromarray(colours.repeat(zoom, 0).repeat(zoom, 1)).save(stream, format="png", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
