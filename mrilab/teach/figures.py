"""Figures for lessons: titled, with units and colour bars, safe for colour-blind readers, and described in words.

Every figure ends as a PNG with an alternative text, which exported pages carry as the `alt` of the image. Beneath it
stands a caption for everybody: what is drawn, in which unit and scale, and one sentence of what to see in it.
"""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image
from torch import Tensor

DPI = 100
MAPS = {"magnitude": "gray", "log": "gray", "mask": "gray", "phase": "twilight", "error": "viridis", "map": "viridis"}
UNITS = {"magnitude": "a.u.", "log": "log10", "mask": "1 = sampled", "phase": "rad", "error": "a.u.", "map": ""}
FIXED = {"phase": (-math.pi, math.pi), "mask": (0.0, 1.0)}  # ends of the colour bar, whatever the image
# Okabe and Ito's colours, with line styles and markers that tell lines apart in black and white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9")
STYLES = ("-", "--", "-.", ":", "-", "--")
MARKERS = ("o", "s", "^", "D", "v", "x")


@dataclass(frozen=True)
class Panel:
    """One image of a figure: (H, W), real or complex, numpy or torch.

    kind: "magnitude", "log" (of the magnitude, six decades at most), "phase", "mask", "error" (a magnitude that starts
    at 0) or "map" (any real quantity). unit: that of the kind if None. limits: (low, high) of the colour bar.
    """

    title: str
    image: Tensor | np.ndarray
    kind: str = "magnitude"
    unit: str | None = None
    limits: tuple[float, float] | None = None
    xlabel: str = ""

    def values(self) -> np.ndarray:
        """Return what is drawn, real (H, W)."""
        image = self.image.detach().cpu().resolve_conj().numpy() if isinstance(self.image, Tensor) else self.image
        if self.kind == "phase":
            return np.angle(image)
        if self.kind == "log":
            magnitude = np.abs(image)
            return np.log10(np.maximum(magnitude, 1e-6 * magnitude.max() or 1.0))
        return np.abs(image) if np.iscomplexobj(image) or self.kind != "map" else image

    def range(self) -> tuple[float, float]:
        """Return the lower and the upper end of the colour bar."""
        if self.limits is not None:
            return self.limits
        if self.kind in FIXED:
            return FIXED[self.kind]
        values = self.values()
        low = float(values.min()) if self.kind in ("log", "map") else 0.0
        return low, float(values.max()) if values.max() > low else low + 1.0

    def scale(self) -> str:
        """Return the unit beside the colour bar."""
        return UNITS[self.kind] if self.unit is None else self.unit


@dataclass(frozen=True)
class View:
    """Panels to draw side by side, one sentence about them, and a figure of curves below where there is one."""

    panels: tuple[Panel, ...]
    text: str
    plot: Figure | None = None


def panels(images: Mapping[str, Tensor | np.ndarray], kind: str = "magnitude", **settings: Any) -> list[Panel]:
    """Return images by title as panels of one kind. `settings` are further fields of `Panel`."""
    return [Panel(title, image, kind, **settings) for title, image in images.items()]


def error_panel(title: str, x: Tensor, reference: Tensor, peak: float, gain: float = 5.0) -> Panel:
    """Return | |x| - |reference| | as a panel `gain` times enlarged: its colour bar ends at `peak` over `gain`."""
    return Panel(title, (x.abs() - reference.abs()).abs(), "error", limits=(0.0, peak / gain))


def gallery(panels: Sequence[Panel], alt: str, columns: int = 4, width: int = 250, caption: str = "") -> None:
    """Show images side by side, each about `width` pixels wide and with its own colour bar, above their `caption`.

    Every pixel of an image becomes a whole number of pixels of the PNG: sharp, and half the size of a resampled one.
    """
    columns = min(columns, len(panels))
    shapes = [panel.values().shape for panel in panels]
    sizes = [(h * max(1, round(width / w)), w * max(1, round(width / w))) for h, w in shapes]  # pixels of the PNG
    title_lines = 1 + max(panel.title.count("\n") for panel in panels)
    label_lines = max(1 + panel.xlabel.count("\n") if panel.xlabel else 0 for panel in panels)
    above = 10 + 21 * title_lines
    cell_height = max(height for height, _ in sizes) + above + 6 + 20 * label_lines
    cell_width = max(w for _, w in sizes) + 80
    total_height, total_width = -(-len(panels) // columns) * cell_height, columns * cell_width
    figure = Figure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI)

    def place(left: int, top: int, w: int, h: int) -> Axes:  # a box in pixels from the top left corner
        bottom = total_height - top - h
        return figure.add_axes((left / total_width, bottom / total_height, w / total_width, h / total_height))

    for number, (panel, (height, w)) in enumerate(zip(panels, sizes, strict=True)):
        left, top = number % columns * cell_width + 4, number // columns * cell_height + above
        low, high = panel.range()
        axis = place(left, top, w, height)
        drawn = axis.imshow(
            panel.values(), cmap=MAPS[panel.kind], vmin=low, vmax=high, interpolation="nearest", aspect="auto"
        )
        axis.set_axis_off()
        axis.set_title(panel.title, fontsize=13)
        axis.text(0.5, -6 / height, panel.xlabel, transform=axis.transAxes, ha="center", va="top", fontsize=12)
        if panel.kind != "mask":
            bar = figure.colorbar(drawn, cax=place(left + w + 6, top, 10, height))
            bar.ax.tick_params(labelsize=10)
            bar.ax.locator_params(nbins=4)
            bar.formatter = FuncFormatter(lambda value, _: f"{value:.3g}")  # raw scans have 1e-5
            bar.ax.set_title(panel.scale(), fontsize=10, loc="left")
            bar.outline.set_visible(False)
    show(figure, alt, caption)


def curves(
    x: Sequence | Tensor,
    lines: Mapping[str, Sequence | Tensor],
    alt: str,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    caption: str = "",
    markers: bool = False,
    axis: Axes | None = None,
    **settings: Any,
) -> None:
    """Draw lines over a common x, told apart by colour, style and, if asked, marker. `settings` go to `axis.set`.

    Without an `axis` to draw into, show a figure with the alternative text `alt` above its `caption`.
    """
    figure = None
    if axis is None:
        figure = new_figure(6.4, 3.3)
        axis = figure.subplots()
    for number, (label, y) in enumerate(lines.items()):
        look = number % len(COLOURS)
        marker = MARKERS[look] if markers else None
        axis.plot(x, y, STYLES[look], color=COLOURS[look], marker=marker, markersize=5, label=label)
    axis.set(xlabel=xlabel, ylabel=ylabel, **settings)
    axis.set_title(title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axis.legend(fontsize=9, frameon=False)
    if figure is not None:
        show(figure, alt, caption)


def new_figure(width: float, height: float) -> Figure:
    """Return a figure in inches that pyplot does not know, so that nothing shows it twice or keeps it alive."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def show(figure: Figure, alt: str, caption: str = "") -> None:
    """Display `figure` as a small PNG with an alternative text, and under it the caption as an output of its own.

    The caption is plain text. On exported pages it and the picture become one <figure>.

    Raises:
        ValueError: `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text that says what it shows")
    data = {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})
    if caption:
        display({"text/html": f"<figcaption>{html.escape(caption)}</figcaption>", "text/plain": caption}, raw=True)


def png(figure: Figure) -> bytes:
    """Return the figure as PNG with a palette: a third of the size of full colour, and no visible difference."""
    FigureCanvasAgg(figure)
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", facecolor="white")
    picture = Image.open(raw).convert("RGB").quantize(palette=_palette(), dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """Return greys, the colours of the two other maps, and lines on white: 249 colours, no neighbours far apart."""
    levels = {"gray": np.append(np.linspace(0, 0.97, 64), 1), "viridis": np.linspace(0, 1, 76)}
    levels["twilight"] = np.linspace(0, 1, 60)
    colours = [matplotlib.colormaps[name](level) for name, level in levels.items()]
    for name in COLOURS:
        line = np.array(matplotlib.colors.to_rgba(name))
        colours.append(line + (1 - line) * np.linspace(0, 0.8, 8)[:, None])  # shades for smooth edges
    values = np.round(255 * np.concatenate(colours)[:, :3]).astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(values.tobytes())
    return palette
