"""Figures for lessons: titled, with units and colour bars, safe for colour-blind readers, and described in words.

Every figure ends as a PNG with an alternative text, which exported pages carry as the `alt` of the image.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

DPI = 85
MAPS = {"magnitude": "gray", "log": "gray", "mask": "gray", "phase": "twilight", "error": "viridis", "map": "viridis"}
UNITS = {"magnitude": "a.u.", "log": "log10", "mask": "1 = sampled", "phase": "rad", "error": "a.u.", "map": ""}
# Okabe and Ito's colours, with line styles and markers that tell lines apart in black and white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9")
STYLES = ("-", "--", "-.", ":", "-", "--")
MARKERS = ("o", "s", "^", "D", "v", "x")
TEXT = {"font.size": 10, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False}


@dataclass(frozen=True)
class Panel:
    """One image of a figure: (H, W), real or complex, numpy or torch.

    kind: "magnitude", "log" (of the magnitude, six decades at most), "phase", "mask", "error" (a magnitude that starts
    at 0) or "map" (any real quantity). limits: (low, high) of the colour bar.
    """

    title: str
    image: Tensor | np.ndarray
    kind: str = "magnitude"
    unit: str | None = None
    limits: tuple[float, float] | None = None
    xlabel: str = ""

    def values(self) -> np.ndarray:
        """What is drawn, real (H, W)."""
        image = self.image.detach().cpu().resolve_conj().numpy() if isinstance(self.image, Tensor) else self.image
        if self.kind == "phase":
            return np.angle(image)
        if self.kind == "log":
            magnitude = np.abs(image)
            return np.log10(np.maximum(magnitude, 1e-6 * magnitude.max() or 1.0))
        return np.abs(image) if np.iscomplexobj(image) or self.kind != "map" else image

    def range(self) -> tuple[float, float]:
        """Lower and upper end of the colour bar."""
        if self.limits is not None:
            return self.limits
        values = self.values()
        if self.kind in ("phase", "mask"):
            return {"phase": (-math.pi, math.pi), "mask": (0.0, 1.0)}[self.kind]
        low = 0.0 if self.kind in ("magnitude", "error") else float(values.min())
        return low, float(values.max()) if values.max() > low else low + 1.0


def gallery(panels: Sequence[Panel], alt: str, columns: int = 4, size: float = 2.6, share: bool = False) -> None:
    """Show images side by side, each with its colour bar; with `share` all have the limits of the first one."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    height, width = panels[0].values().shape
    with matplotlib.rc_context(TEXT):
        figure = new_figure(columns * (size + 0.55), rows * (size * min(height / width, 1.6) + 0.5))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        for axis, panel in zip(axes, panels, strict=False):
            low, high = (panels[0] if share else panel).range()
            drawn = axis.imshow(
                panel.values(), cmap=MAPS[panel.kind], vmin=low, vmax=high, interpolation="nearest", aspect="equal"
            )
            axis.set(title=panel.title, xticks=[], yticks=[], xlabel=panel.xlabel)
            bar = figure.colorbar(drawn, ax=axis, fraction=0.046, pad=0.03)
            bar.ax.tick_params(labelsize=8)
            bar.set_label(UNITS[panel.kind] if panel.unit is None else panel.unit, fontsize=8)
            bar.outline.set_visible(False)
    show(figure, alt)


def curves(
    x: Sequence | Tensor,
    lines: Mapping[str, Sequence | Tensor],
    alt: str,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    markers: bool = False,
    axis: matplotlib.axes.Axes | None = None,
    **settings,
) -> None:
    """Lines over a common x, told apart by colour, style and, if asked, marker. `settings` go to `axis.set`.

    Draws into `axis` if one is given and shows a figure of its own otherwise.
    """
    with matplotlib.rc_context(TEXT):
        figure = None
        if axis is None:
            figure = new_figure(6.4, 3.3)
            axis = figure.subplots()
        for number, (label, y) in enumerate(lines.items()):
            look = number % len(COLOURS)
            marker = MARKERS[look] if markers else None
            axis.plot(x, y, STYLES[look], color=COLOURS[look], marker=marker, markersize=5, label=label)
        axis.set(title=title, xlabel=xlabel, ylabel=ylabel, **settings)
        axis.grid(alpha=0.3)
        if len(lines) > 1:
            axis.legend(fontsize=9, frameon=False)
    if figure is not None:
        show(figure, alt)


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches that pyplot does not know of, so that nothing shows it twice or keeps it alive."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def show(figure: Figure, alt: str) -> None:
    """Display `figure` as a small PNG with an alternative text.

    Raises:
        ValueError: `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text that says what it shows")
    data = {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def png(figure: Figure) -> bytes:
    """The figure as PNG with a palette of 256 colours: a third of the size, and no visible difference."""
    FigureCanvasAgg(figure)
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", facecolor="white")
    picture = Image.open(raw).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def error_panel(title: str, x: Tensor, reference: Tensor, peak: float, gain: float = 5.0) -> Panel:
    """| |x| - |reference| | as a panel whose colour bar ends at `peak` over `gain`: the error `gain` times enlarged."""
    return Panel(title, (x.abs() - reference.abs()).abs(), "error", limits=(0.0, peak / gain))
