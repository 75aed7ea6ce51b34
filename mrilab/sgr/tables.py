"""Read out of the results of experiments what the lesson shows: shares, coverage, and one value a head.

Rows are those of `sgr_bounds` or of an experiment like it. A "kind" is one of `mrilab.sgr.study.KINDS`.
"""

from collections.abc import Sequence

import pandas as pd

from mrilab.sgr.calibration import conformal_margin, exact_interval, widen
from mrilab.sgr.measures import summary
from mrilab.sgr.study import KINDS

NAMES = {
    "sgr": "SGR",
    "distance": "erosion, dilation",
    "one_sample": "threshold, one sample",
    "mean": "threshold, mean of RR",
}


def derived(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with what follows from them: share, coverage and quality of each kind, and the transfers.

    kind_share: V_unc / V_up, undefined where V_up is 0. kind_covered, kind_covered_full: whether the true volume, or
    that of S^f, lies between the bounds. kind_quality, kind_quality_true: the mean of precision of S-low and recall of
    S-up. transfer, attack_transfer, null_transfer: see `mrilab.sgr.measures.transfer`.
    """
    new = {}
    for kind in KINDS:
        low, up = rows[f"{kind}_low"], rows[f"{kind}_up"]
        new[f"{kind}_share"] = (up - low) / up.where(up > 0)
        for reference, end in (("true", ""), ("full", "_full")):
            new[f"{kind}_covered{end}"] = (low <= rows[reference]) & (rows[reference] <= up)
        for end in ("", "_true"):
            new[f"{kind}_quality{end}"] = (rows[f"{kind}_precision{end}"] + rows[f"{kind}_recall{end}"]) / 2
    new["transfer"] = _transfer(rows, "sgr_{}", "second_{}")
    for kind in ("attack", "null"):
        if f"{kind}_first_low" in rows:
            new[f"{kind}_transfer"] = _transfer(rows, f"{kind}_first_{{}}", f"{kind}_second_{{}}")
    return pd.concat([rows, pd.DataFrame(new)], axis=1)


def _transfer(rows: pd.DataFrame, first: str, second: str) -> pd.Series:
    change = rows[first.format("up")] - rows[first.format("low")]
    return (rows[second.format("up")] - rows[second.format("low")]) / change.where(change != 0)


def by_head(values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Return the mean of `values`, a column for `rows`, of each head: the unit of all intervals."""
    return values.astype(float).groupby(rows["scan"]).mean()


def growth(rows: pd.DataFrame, kind: str) -> pd.Series:
    """Return V_unc / V_up at the largest R over that at the smallest, a head's mean over its classes."""
    shares = rows.pivot_table(index=["scan", "name"], columns="acceleration", values=f"{kind}_share")
    return (shares.iloc[:, -1] / shares.iloc[:, 0]).groupby("scan").mean()


def coverage(covered: Sequence[bool] | pd.Series) -> str:
    """Return in words how many of the heads, one value each, are covered, with the exact interval of that share."""
    values = [bool(each) for each in covered]
    low, high = exact_interval(values)
    return f"{sum(values)} of {len(values)} [{low:.0%}, {high:.0%}]"


def quartiles(values: Sequence[float] | pd.Series, digits: int = 3) -> str:
    """Return median and quartiles in words, and how many values are undefined."""
    found = summary([float(each) for each in values])
    missing = f", {found.undefined} undefined" if found.undefined else ""
    numbers = (format(each, f".{digits}f") for each in (found.median, found.lower, found.upper))
    return "{} ({} to {})".format(*numbers) + missing


def conformal(rows: pd.DataFrame, validation: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return rows with low and up, the bounds of SGR widened by the margin that the validation heads needed.

    A margin is that of one class at one R. `validation` has columns true, low and up of the same b, one row a head.
    """
    parts = []
    for key, part in rows.groupby(["acceleration", "name"]):
        heads = validation[(validation["acceleration"] == key[0]) & (validation["name"] == key[1])]
        margin = conformal_margin(heads["low"], heads["up"], heads["true"], level)
        low, up = widen(part["sgr_low"], part["sgr_up"], margin)
        parts.append(part.assign(low=low, up=up))
    return pd.concat(parts).sort_index()


def by_b(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return Spearman's rank correlation of b and a column, a head's mean over its classes."""
    cases = rows.groupby(["scan", "name"])[["b", column]]
    return cases.apply(lambda case: case["b"].corr(case[column], method="spearman")).groupby("scan").mean()


def by_sampler(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of `sgr_samplers` with held and spread of each head: means over the classes `names`.

    held: share of the true volumes between least and largest of the samples. spread: standard deviation of the
    samples' volumes over the true one.
    """
    held = [rows[f"true {n}"].between(rows[f"lowest {n}"], rows[f"highest {n}"]) for n in names]
    spread = [rows[f"std {n}"] / rows[f"true {n}"] for n in names]
    return rows.assign(held=pd.concat(held, axis=1).mean(axis=1), spread=pd.concat(spread, axis=1).mean(axis=1))
