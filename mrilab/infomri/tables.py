"""The stored rows of lesson 5's experiments as tables: quality by ratio, and the distance from the learned pattern."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mrilab.evaluation.bjontegaard import bd_psnr, bd_rate
from mrilab.evaluation.claims import mean_interval
from mrilab.teach.tables import table


def curve(rows: pd.DataFrame, model: str, seed: int, column: str = "psnr_drawn") -> pd.Series:
    """Return one model's values by ratio. Models of one ratio each, NAME-12.5 and so on, are one curve, NAME."""
    own = rows[(rows["model"] == model) & (rows["seed"] == seed)]
    if own.empty:  # a model per ratio
        names = {f"{model}-{100 * ratio:g}": ratio for ratio in rows["ratio"].unique()}
        own = rows[rows["model"].isin(names) & (rows["seed"] == seed)]
    return own.set_index("ratio")[column].sort_index()


def seeds(rows: pd.DataFrame, model: str) -> list[int]:
    """Return the seeds with which a model was measured at all ratios of the rows."""
    ratios = rows["ratio"].nunique()
    found = (seed for seed in sorted(rows["seed"].unique()) if len(curve(rows, model, seed)) == ratios)
    return list(found)


def distances(rows: pd.DataFrame, model: str, anchor: str) -> list[float]:
    """Return BD-PSNR (16) in dB of a model against another, one value a seed that both have."""
    both = [seed for seed in seeds(rows, model) if seed in seeds(rows, anchor)]
    pairs = [(curve(rows, model, seed), curve(rows, anchor, seed)) for seed in both]
    return [bd_psnr([*own.index], [*own], [*other]) for own, other in pairs]


def quality_table(rows: pd.DataFrame, models: Mapping[str, str], anchor: str) -> str:
    """Return a markdown table: PSNR of drawn masks by ratio, BD-PSNR and BD-rate against `anchor`.

    `models` are names in the rows by the names to show. Values are means over the seeds; BD-PSNR of three seeds has the
    95 % interval of the mean.
    """
    ratios = sorted(rows["ratio"].unique())
    head = ["sampling", *(f"{100 * ratio:g} %" for ratio in ratios), "BD-PSNR, dB", "BD-rate", "seeds"]
    lines = []
    for shown, model in models.items():
        own = seeds(rows, model)
        mean = np.mean([curve(rows, model, seed) for seed in own], axis=0)
        other = np.mean([curve(rows, anchor, seed) for seed in own], axis=0)
        values = distances(rows, model, anchor)
        interval = mean_interval(values)
        beside = "" if interval is None or model == anchor else " [{:.2f}, {:.2f}]".format(*interval)
        rate = f"{bd_rate(ratios, mean, other):+.0%}" if (np.diff(mean) > 0).all() else "-"
        lines.append([shown, *(f"{value:.2f}" for value in mean), f"{np.mean(values):+.2f}{beside}", rate, len(own)])
    return table(head, lines)
