"""One picture of the bounds: for each class the outlines of its segmentations, and where the images differ."""

from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from torch import Tensor

from mrilab.evaluation.panel import WHITE, save_described
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.bounds_result import BoundsResult, SliceBounds

Style = Literal["-", ":", "--"]

# Okabe and Ito's sky blue and orange, which all readers tell apart, and line styles for black and white
OUTLINES: dict[str, tuple[str, Style]] = {
    "low": ("#56B4E9", "-"),
    "unguided": ("#FFFFFF", ":"),
    "up": ("#E69F00", "--"),
}
CAPTION = "Bounds are as far as guidance of this strength went; until calibrated they have no level of confidence."


def draw_bounds(result: BoundsResult, slice: int | None = None) -> Figure:
    """Draw a row for each class: outlines on the unguided image, and the upper bound's image minus the lower one's.

    `slice` is a number in the file, the middle one by default. Magnitudes are in the units of the raw data.
    """
    middle = result.slices[len(result.slices) // 2]
    chosen = middle if slice is None else next(each for each in result.slices if each.number == slice)
    rows = len(result.classes)
    figure = Figure(figsize=(12.0, 5.4 * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False)
    for k, name in enumerate(result.classes):
        _draw_outlines(figure, axes[k, 0], result, chosen, name)
        _draw_difference(figure, axes[k, 1], chosen, k)
    lines = [Line2D([], [], color=colour, linestyle=style) for colour, style in OUTLINES.values()]
    names = ["lower bound", "unguided", "upper bound"]
    style = {"facecolor": "#404040", "labelcolor": "white", "title": CAPTION, "title_fontsize": 9}
    legend = figure.legend(lines, names, loc="outside lower center", ncols=3, **style)
    legend.get_title().set_color("white")
    acceleration = f"effective acceleration {result.effective_acceleration:.2f}"
    title = f"{result.scan}, slice {chosen.number}, {acceleration}, strength {result.settings['strength']:g}"
    figure.suptitle(title, parse_math=False)
    return figure


def write_bounds_panel(path: str | Path, result: BoundsResult, slice: int | None = None) -> None:
    """Write `draw_bounds` as PNG, whole or not at all, with a description for those who cannot see it.

    Raises:
        UserError: a place that cannot be written.
    """
    save_described(path, draw_bounds(result, slice), f"{{}} | {CAPTION}")


def _draw_outlines(figure: Figure, axis: Axes, result: BoundsResult, chosen: SliceBounds, name: str) -> None:
    k, c = list(result.classes).index(name), result.classes[name]
    image = chosen.images.unguided.abs()
    drawn = axis.imshow(image.numpy(), cmap="gray", vmin=0, vmax=float(quantile_scale(image, WHITE)))
    maps = {"low": chosen.first.low[k], "unguided": chosen.first.unguided, "up": chosen.first.up[k]}
    for bound, (colour, style) in OUTLINES.items():
        _outline(axis, maps[bound] == c, colour, style)
    seen, form = result.volumes(name, [chosen]), ".0f" if result.unit == "pixels" else ".2f"
    low, middle, up = (format(seen[bound], form) for bound in OUTLINES)
    axis.set(title=f"{name}\n{low} (low), {middle} (unguided), {up} (up) {result.unit}")
    _finish(figure, axis, drawn, "magnitude (units of the raw data)")


def _draw_difference(figure: Figure, axis: Axes, chosen: SliceBounds, k: int) -> None:
    difference = chosen.images.up[k].abs() - chosen.images.low[k].abs()  # (H, W)
    top = float(difference.abs().max()) or 1.0
    drawn = axis.imshow(difference.numpy(), cmap="PuOr_r", vmin=-top, vmax=top)
    share = difference.norm() / chosen.images.unguided.norm()
    axis.set(title=f"image of the upper bound minus\nthat of the lower: {100 * share:.1f} % of the image's norm")
    _finish(figure, axis, drawn, "difference (units of the raw data)")


def _outline(axis: Axes, mask: Tensor, colour: str, style: str) -> None:
    values = mask.numpy().astype(float)
    if np.ptp(values):  # an empty or a full mask has no outline
        axis.contour(values, levels=[0.5], colors=[colour], linestyles=[style], linewidths=1.1)


def _finish(figure: Figure, axis: Axes, drawn: AxesImage, label: str) -> None:
    axis.set(xlabel="phase encoding (pixels)", ylabel="readout (pixels)")
    bar = figure.colorbar(drawn, ax=axis, shrink=0.8, label=label)
    bar.ax.ticklabel_format(axis="y", scilimits=(-2, 3))
