"""What the stored rows say about each claim of lesson 5, part 2: measured values by the claim's id."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mrilab.infomri.tasks.elbo import CHOSEN

Rows = Mapping[str, pd.DataFrame]  # results by the name of their experiment, without "infomri_tasks_"
PER_RATIO = ("tackle", "semunet", "loupe-unet-rs", "loupe-linet")
ONE_POINT = 0.01  # of accuracy
OWN = f"kl-{CHOSEN.kl:g}"  # the chosen weights
KL_RANGES = (("kl-1", "kl-2", "kl-5", "kl-10"), ("kl-5", "kl-10", "kl-50"), ("kl-10", "kl-50", "kl-100"))
RECONSTRUCTION_RANGES = (("reconstruction-0.1", "reconstruction-0.5", OWN), (OWN, "reconstruction-10"))


def claim_values(rows: Rows) -> dict[str, list[float]]:
    """Return the values of the lesson's claims, as their protocols have them.

    `rows` has segmentation, calibration, draws, weights, glyphs, kinds, and points, the table of part 1.
    """
    segmentation = rows["segmentation"]
    values = {f"ged-{R}": _against_best(segmentation, "ged", R) for R in (4, 8, 16, 32)}
    values |= {f"dice-{R}": _against_best(segmentation, "dice", R) for R in (4, 8, 32)}
    values |= _losses(segmentation) | _baselines(segmentation) | _calibration(rows["calibration"], rows["points"])
    values |= {
        "latent": [min(_pixelwise(segmentation, R) for R in (4, 8, 16, 32))],
        "eight-samples": [_at(rows["draws"], "ged", draws=32) / _at(rows["draws"], "ged", draws=8)],
        "cliff": [*_gap(segmentation, "infomri-to-1", "dice", 1, 10)],
        "diversity": [*_gap(segmentation, "infomri", "spread", 32, 4)],
        "weights-kl": [min(_range(rows["weights"], names) for names in KL_RANGES)],
        "weights-reconstruction": [min(_range(rows["weights"], names) for names in RECONSTRUCTION_RANGES)],
    }
    return values | _privacy(rows["glyphs"], rows["kinds"])


def groups(rows: pd.DataFrame, model: str, acceleration: float, column: str, seed: int = 0) -> pd.Series:
    """Return a model's values at one acceleration, by group of heads. NAME-8 counts as NAME at 8x."""
    names = (model, f"{model}-{acceleration:g}")
    own = rows[rows["model"].isin(names) & (rows["acceleration"] == acceleration) & (rows["seed"] == seed)]
    return own.set_index("group")[column].sort_index()


def _gap(rows: pd.DataFrame, model: str, column: str, R: float, other: float) -> pd.Series:
    return groups(rows, model, R, column) - groups(rows, model, other, column)


def others(rows: pd.DataFrame) -> list[str]:
    """Return the names of the models that InfoMRI is held against, those of one acceleration without it."""
    names = {name for name in rows["model"] if not name.startswith("infomri")}
    return sorted({name.rpartition("-")[0] if name.startswith(PER_RATIO) else name for name in names})


def mean_of(rows: pd.DataFrame, model: str, acceleration: float, column: str) -> float:
    """Return the mean over the groups, seed 0; nan where the model was not measured."""
    return float(groups(rows, model, acceleration, column).mean())


def _against_best(rows: pd.DataFrame, column: str, R: int) -> list[float]:
    """Return InfoMRI minus the other with the best mean, group by group."""
    by = {name: mean_of(rows, name, R, column) for name in others(rows)}
    by = {name: value for name, value in by.items() if not np.isnan(value)}
    best = min(by, key=by.__getitem__) if column == "ged" else max(by, key=by.__getitem__)
    return [*(groups(rows, "infomri", R, column) - groups(rows, best, R, column))]


def _losses(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return by how much more than the best other InfoMRI loses from 8x to 32x."""
    found = {}
    for column, sign in (("ged", 1), ("dice", -1)):
        loss = {
            name: sign * (mean_of(rows, name, 32, column) - mean_of(rows, name, 8, column))
            for name in (*others(rows), "infomri")
        }
        own = loss.pop("infomri")
        found[f"loss-{column}"] = [own - float(np.nanmin([*loss.values()]))]
    return found


def _baselines(rows: pd.DataFrame) -> dict[str, list[float]]:
    masks = ("uniform", "poisson", "variable-density", "closed-form")
    gaps = [mean_of(rows, f"linet-{mask}", 32, "dice") - mean_of(rows, f"unet-rs-{mask}", 32, "dice") for mask in masks]
    steps = groups(rows, "tackle", 32, "dice") - groups(rows, "semunet", 32, "dice")
    return {"linet-unet": [min(gaps)], "tackle-semunet": [*steps]}


def _calibration(rows: pd.DataFrame, points: pd.DataFrame) -> dict[str, list[float]]:
    at_32 = rows[rows["acceleration"] == 32].set_index("model")
    found = {
        f"calibration-{column}": [float(at_32[column]["infomri"] - at_32[column].drop("infomri").min())]
        for column in ("ece", "brier")
    }
    own = rows[rows["model"] == "infomri"].set_index("acceleration")
    image = _at(points, "information_drawn", model="points", seed=0, ratio=0.125)
    return found | {
        "triage": [float(own["triage"][R]) for R in (8, 32)],
        "pattern-segmentation": [float(own["information"][8]) - image],
    }


def _pixelwise(rows: pd.DataFrame, R: int) -> float:
    """Return the lowest GED of pixels drawn one by one from another model, minus the GED of InfoMRI."""
    apart = np.nanmin([mean_of(rows, name, R, "ged_pixelwise") for name in others(rows)])
    return float(apart) - mean_of(rows, "infomri", R, "ged")


def _range(rows: pd.DataFrame, names: tuple[str, ...]) -> float:
    """Return the largest minus the smallest Dice of these weights, the mean of the accelerations."""
    dice = rows[rows["weights"].isin(names)].groupby("weights")["dice"].mean()
    return float(dice.max() - dice.min())


def _privacy(glyphs: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in ("private-accuracy", "less-sampling", "recognised")}
    for _, rows in glyphs[~glyphs["model"].str.endswith("x")].groupby("seed"):
        best = strongest(rows)
        lower = strongest(glyphs[(glyphs["seed"] == 0) & glyphs["model"].str.fullmatch(r"glyphs-beta0-\d+x")])
        kept, private = chosen(best)
        found["private-accuracy"].append(best["psnr"]["glyphs-loupe"] - best["psnr"][private] if kept else 0.0)
        found["less-sampling"].append(_above_control(best, lower))
        found["recognised"].append(best["recognised"][private] / best["recognised"]["glyphs-beta0"])
    negative = glyphs[glyphs["model"].str.contains("beta-")].pivot(
        index=["model", "seed"], columns="attacker", values="psnr"
    )
    gain = negative[["U-Net", "unrolled"]].max(axis=1) - negative["three layers"]
    heads = strongest(kinds)["auroc"]
    knows = glyphs.groupby("model")["information"].mean()
    return found | {
        "stronger-attacker": [float(gain.max())],
        "private-auroc": [float(heads[heads.index.str.contains("beta-")].max() - heads["heads-loupe"])],
        "pattern-classification": [float(knows["glyphs-beta0"] - knows["glyphs-loupe"])],
    }


def strongest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return for each model the row of its best attacker, by PSNR, and the most images that any of them recognised."""
    best = rows.loc[rows.groupby("model")["psnr"].idxmax()].set_index("model")
    return best.assign(recognised=rows.groupby("model")["recognised"].max())


def chosen(best: pd.DataFrame) -> tuple[bool, str]:
    """Return whether a beta < 0 is as accurate as the best of all minus one point, and the most private of these.

    Where none is, it is the strongest.
    """
    negative = best[best.index.str.contains("beta-")]
    kept = negative[negative["accuracy"] >= best["accuracy"].max() - ONE_POINT]
    if kept.empty:
        return False, min(negative.index, key=lambda name: float(name.partition("beta")[2]))
    return True, str(kept["psnr"].idxmin())


def _above_control(best: pd.DataFrame, lower: pd.DataFrame) -> float:
    """Return by how many points of accuracy beta < 0 is above beta = 0 with fewer samples, at equal PSNR of the attack.

    The control's accuracy is interpolated over PSNR between its ratios, and constant beyond; the mean of the betas.
    """
    control = pd.concat([lower, best.loc[["glyphs-beta0"]]]).sort_values("psnr")
    own = best[best.index.str.contains("beta-")]
    expected = np.interp(own["psnr"], control["psnr"], control["accuracy"])
    return 100 * float((own["accuracy"] - expected).mean())


def _at(rows: pd.DataFrame, column: str, **keys: object) -> float:
    for key, value in keys.items():
        rows = rows[rows[key] == value]
    (value,) = rows[column]
    return float(value)
