"""One picture of a reconstruction: reference, reconstruction, error and mask side by side."""

import io
import warnings
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mrilab.data.atomic import write_atomic
from mrilab.evaluation.result import Result
from mrilab.physics.scale import quantile_scale

ERROR_GAIN = 5
WHITE = 0.995  # quantile of the magnitude that is shown as white: a few bright vessels must not darken the rest


def draw_panel(result: Result, slice: int | None = None) -> Figure:
    """Draw reference, reconstruction, error x 5 and mask; without a reference zero-filled, reconstruction and mask.

    The uncertainty is shown beside them where the method gives one. `slice` is a number in the file, the middle one by
    default. All magnitudes share one grey scale, in the units of the raw data.
    """
    middle = result.slices[len(result.slices) // 2]
    chosen = middle if slice is None else next(each for each in result.slices if each.number == slice)
    image = chosen.image.abs()
    has_reference = chosen.reference is not None
    first = (chosen.zero_filled if chosen.reference is None else chosen.reference).abs()
    white = float(quantile_scale(first, WHITE))
    quality = "\nPSNR {psnr:.1f} dB, SSIM {ssim:.3f}".format(**chosen.metrics) if chosen.metrics else ""
    panels = [(first, "reference: MVUE,\nfully sampled" if has_reference else "zero-filled", "gray", white)]
    panels.append((image, result.method + quality, "gray", white))
    if has_reference:
        panels.append(((image - first).abs() * ERROR_GAIN, f"error x {ERROR_GAIN}", "gray", white))
    if chosen.uncertainty is not None:
        top = float(quantile_scale(chosen.uncertainty, WHITE))
        panels.append((chosen.uncertainty, "uncertainty (standard deviation)", "viridis", top))

    figure = Figure(figsize=(3.6 * (len(panels) + 1), 4.2), layout="constrained")
    *axes, last = figure.subplots(1, len(panels) + 1)
    for axis, (values, title, colours, top) in zip(axes, panels, strict=True):
        drawn = axis.imshow(values.numpy(), cmap=colours, vmin=0, vmax=top)
        axis.set(title=title, xlabel="phase encoding (pixels)", ylabel="readout (pixels)")
        bar = figure.colorbar(drawn, ax=axis, shrink=0.75, label="magnitude (units of the raw data)")
        bar.ax.ticklabel_format(axis="y", scilimits=(-2, 3))
    _draw_mask(figure, last, result.mask.expand(image.shape), result)
    caught = chosen.safety is not None and chosen.safety.flagged
    warning = ": do not trust this image, it is far from what the data alone give" if caught else ""
    colour = "darkred" if caught else "black"
    figure.suptitle(f"{result.scan}, slice {chosen.number}{warning}", color=colour, parse_math=False)
    return figure


def write_panel(path: str | Path, result: Result, slice: int | None = None) -> None:
    """Write `draw_panel` as PNG, whole or not at all, with a description for those who cannot see it.

    Raises:
        UserError: a place that cannot be written.
    """
    save_described(path, draw_panel(result, slice), "Panels from left to right: {}")


def save_described(path: str | Path, figure: Figure, description: str) -> None:
    """Write a figure as PNG, whole or not at all. `description` says what it shows: titles stand in for its {}.

    Raises:
        UserError: a place that cannot be written.
    """
    shown = " | ".join(axis.get_title().replace("\n", " ") for axis in figure.axes if axis.get_title())
    metadata = {"Title": figure.get_suptitle(), "Description": description.format(shown).replace("\n", " ")}
    picture = io.BytesIO()
    with warnings.catch_warnings():  # of a name in letters that the font has not, boxes are shown
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        figure.savefig(picture, format="png", dpi=110, metadata=metadata)
    write_atomic(path, picture.getbuffer())


def _draw_mask(figure: Figure, axis: Axes, mask: Tensor, result: Result) -> None:
    drawn = axis.imshow(mask.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    nominal = "" if result.nominal_acceleration is None else f"nominal {result.nominal_acceleration:g}, "
    title = f"mask: acceleration\n{nominal}effective {result.effective_acceleration:.2f}"
    axis.set(title=title, xlabel="k-space column", ylabel="k-space row")
    bar = figure.colorbar(drawn, ax=axis, shrink=0.75, ticks=[0, 1])
    low, high = bar.ax.set_yticklabels(["left out", "sampled"], rotation=90)
    low.set_verticalalignment("bottom")
    high.set_verticalalignment("top")
