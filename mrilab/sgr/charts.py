"""Figures of lesson 4 that are drawn from results: medians with quartiles, and volumes by acceleration."""

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes

from mrilab.sgr.measures import summary
from mrilab.teach.figures import COLOURS, MARKERS, STYLES, View, new_figure

CLOSE = 0.1  # as a share of the axis: ticks nearer than this would run into each other
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
    near = min(then - value for value, then in pairwise(at)) < CLOSE * (at[-1] - at[0])
    axis.set(xlabel=xlabel, ylabel=ylabel, **{} if near else {"xticks": at})
    axis.set_title(title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)


def acceleration_view(rows: pd.DataFrame, scan: str, name: str) -> View:
    """Show the bounds of one class of one head by acceleration, as Figure 4 does: SGR, RR and the truth.

    `rows` are those of `sgr_bounds`; volumes are relative to that of S^f.
    """
    own = rows[(rows["scan"] == scan) & (rows["name"] == name)].sort_values("acceleration")
    at, true = own["acceleration"].tolist(), (own["true"] / own["full"]).tolist()
    figure = new_figure(6.8, 3.4)
    axis = figure.subplots()
    says = []
    for number, (kind, label) in enumerate((("sgr", "SGR"), ("rr_slab", "RR of 16"))):
        low, up = ((own[f"{kind}_{bound}"] / own["full"]).tolist() for bound in ("low", "up"))
        colour, style = COLOURS[number], STYLES[number]
        axis.fill_between(at, low, up, facecolor=colour, alpha=0.25)
        for bound, values in (("low", low), ("up", up)):
            axis.plot(at, values, style, color=colour, marker=MARKERS[number], label=f"{label}, {bound}")
        says.append(f"{label} " + ", ".join(f"{a:.2f} to {b:.2f}" for a, b in zip(low, up, strict=True)))
    axis.plot(at, true, ":", color="black", label="truth")
    axis.axhline(1, color="#777777", linewidth=0.8)
    axis.set(xlabel="nominal R", xticks=at, ylabel="volume, fully sampled = 1")
    axis.set_title(f"{name} of {scan}", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)
    return View(
        (), f"{name} of {scan}, truth {true[0]:.2f}; at R = {', '.join(map(str, at))}: {'; '.join(says)}.", figure
    )
