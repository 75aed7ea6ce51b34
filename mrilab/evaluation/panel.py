"""One picture of a reconstruction: reference, reconstruction, error and mask side by side."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.hdf5 import writing
from mrilab.evaluation.result import Result, SliceResult

ERROR_GAIN = 5
WHITE = 0.995  # quantile of the magnitude that is shown as white: a few bright vessels must not darken the rest


def draw_panel(result: Result, slice: int | None = None) -> Figure:
    """Reference, reconstruction, error x 5 and mask; without a reference zero-filled, reconstruction and mask.

    The uncertainty is shown beside them where the method gives one. `slice` is a number in the file; None
    takes the middle one. All magnitudes share one grey scale, in the units of the raw data.
    """
    middle = result.slices[len(result.slices) // 2]
    one = middle if slice is None else next(each for each in result.slices if each.number == slice)
    image = one.image.abs()
    first = one.zero_filled.abs() if one.reference is None else one.reference.abs()
    white = float(torch.quantile(first.flatten(), WHITE))
    panels = [(first, "zero-filled" if one.reference is None else "reference: MVUE,\nfully sampled", "gray", white)]
    panels.append((image, _title(result, one), "gray", white))
    if one.reference is not None:
        error = (image - first).abs() * ERROR_GAIN
        panels.append((error, f"error x {ERROR_GAIN}", "gray", white))
    if one.uncertainty is not None:
        top = float(torch.quantile(one.uncertainty.flatten(), WHITE))
        panels.append((one.uncertainty, "uncertainty (standard deviation)", "viridis", top))

    figure = Figure(figsize=(3.6 * (len(panels) + 1), 4.2), layout="constrained")
    axes = figure.subplots(1, len(panels) + 1)
    for axis, (values, title, colours, top) in zip(axes, panels, strict=False):
        shown = axis.imshow(values.numpy(), cmap=colours, vmin=0, vmax=top)
        axis.set(title=title, xlabel="phase encoding (pixels)", ylabel="readout (pixels)")
        bar = figure.colorbar(shown, ax=axis, shrink=0.75)
        bar.set_label("magnitude (units of the raw data)")
        bar.formatter.set_powerlimits((-2, 3))
    _draw_mask(figure, axes[-1], result.mask.expand(image.shape), result)
    figure.suptitle(f"{result.scan}, slice {one.number}")
    return figure


def write_panel(path: str | Path, result: Result, slice: int | None = None) -> None:
    """Write `draw_panel` as PNG, whole or not at all, with a description for those who cannot see it.

    Raises:
        UserError: a place that cannot be written.
    """
    path = Path(path)
    figure = draw_panel(result, slice)
    shown = " | ".join(axis.get_title().replace("\n", " ") for axis in figure.axes if axis.get_title())
    description = {"Title": figure.get_suptitle(), "Description": f"Panels from left to right: {shown}"}
    with atomic_path(path) as temporary, writing(path):
        figure.savefig(temporary, format="png", dpi=110, metadata=description)


def _title(result: Result, one: SliceResult) -> str:
    if not one.metrics:
        return result.method
    return f"{result.method}\nPSNR {one.metrics['psnr']:.1f} dB, SSIM {one.metrics['ssim']:.3f}"


def _draw_mask(figure: Figure, axis, mask: Tensor, result: Result) -> None:
    shown = axis.imshow(mask.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    nominal = "" if result.nominal_acceleration is None else f"nominal {result.nominal_acceleration:g}, "
    axis.set(
        title=f"mask: acceleration\n{nominal}effective {result.effective_acceleration:.2f}",
        xlabel="k-space column",
        ylabel="k-space row",
    )
    bar = figure.colorbar(shown, ax=axis, shrink=0.75, ticks=[0, 1])
    for label, place in zip(
        bar.ax.set_yticklabels(["left out", "sampled"], rotation=90), ("bottom", "top"), strict=True
    ):
        label.set_verticalalignment(place)
