"""Figures of lesson 4 that are drawn from results: medians with quartiles, and volumes by acceleration."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from mrilab.sgr.measures import summary
from mrilab.teach.figures import COLOURS, MARKERS, STYLES, View, curves, new_figure

APART = 0.012  # between lines at one x, as a share of the axis, so that their whiskers do not cover each other


def quartile_lines(
    axis: Axes, rows: pd.DataFrame, x: str, columns: Mapping[str, str], *, title: str, xlabel: str, ylabel: str
) -> None:
    """Draw medians and quartiles of columns by the column `x`, a line for each label of `columns`."""
    at = sorted(rows[x].unique())
    for number, (label, column) in enumerate(columns.items()):
        found = [summary(rows.loc[rows[x] == value, column].tolist()) for value in at]
        middle = [each.median for each in found]
        whiskers = [[each.median - each.lower for each in found], [each.upper - each.median for each in found]]
        shift = (number - (len(columns) - 1) / 2) * APART * (at[-1] - at[0])
        axis.errorbar([value + shift for value in at], middle, whiskers, linestyle=STYLES[number], label=label,
                      color=COLOURS[number], marker=MARKERS[number], markersize=5, capsize=3)  # fmt: skip
    axis.set(xlabel=xlabel, ylabel=ylabel, xticks=at)
    axis.set_title(title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)


def acceleration_view(rows: pd.DataFrame, scan: str, name: str) -> View:
    """Show the bounds of one class of one head by acceleration, as Figure 4 does: SGR, RR and the truth.

    `rows` are those of `sgr_bounds`; volumes are relative to that of S^f.
    """
    own = rows[(rows["scan"] == scan) & (rows["name"] == name)].sort_values("acceleration")
    lines = {}
    for kind, label in (("sgr", "SGR"), ("rr_slab", "RR")):
        for bound in ("low", "up"):
            lines[f"{label}, {bound}"] = (own[f"{kind}_{bound}"] / own["full"]).tolist()
    lines["truth"] = (own["true"] / own["full"]).tolist()
    figure = new_figure(6.8, 3.4)
    axis = figure.subplots()
    at = own["acceleration"].tolist()
    curves(at, lines, "", axis=axis, markers=True, title=f"{name} of {scan}", xlabel="nominal R", xticks=at,
           ylabel="volume, fully sampled = 1")  # fmt: skip
    text = "; ".join(
        f"R = {r}: SGR {row.sgr_low / row.full:.2f} to {row.sgr_up / row.full:.2f}, "
        f"RR {row.rr_slab_low / row.full:.2f} to {row.rr_slab_up / row.full:.2f}"
        for r, row in zip(at, own.itertuples(), strict=True)
    )
    return View((), f"{name} of {scan}, the truth is {lines['truth'][0]:.2f}. {text}.", figure)
