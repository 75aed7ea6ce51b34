"""What the stored rows say about each claim of lesson 5: measured values by the claim's id."""

from collections.abc import Mapping

import pandas as pd

from mrilab.infomri.models import RADIAL_TESTED, TESTED
from mrilab.infomri.tables import curve, distances, seeds

Rows = Mapping[str, pd.DataFrame]  # results by the name of their experiment, without "infomri_"


def claim_values(rows: Rows) -> dict[str, list[float]]:
    """Return the values of the claims in `05_information_sampling.toml`, as their protocols have them."""
    points, lines, unrolled = rows["points"], rows["lines"], rows["unrolled"]
    values = {f"amortised-{int(100 * r)}": [_at(points, f"points-one-{100 * r:g}", r) - _at(points, "points", r)]
              for r in TESTED}  # fmt: skip
    values |= {
        "loupe-points": [abs(value) for value in distances(points, "points-loupe", "points")],
        "loupe-lines": distances(lines, "lines-loupe", "lines"),
        "uniform": distances(points, "points-uniform", "points"),
        "variable-density": distances(points, "points-variable-density", "points"),
        "spectrum": distances(points, "points-spectrum", "points"),
        "equispaced": distances(lines, "lines-equispaced", "lines"),
        "policy": [max(_differences(lines, "lines-policy", "lines", TESTED))],
        "sequential": [max(_differences(points, "points-sequential", "points", TESTED[:3]))],
        "closed-form-points": [
            min(_differences(points, "points", "points-closed-form", TESTED, seed)) for seed in seeds(points, "points")
        ],
    }
    values |= _redundancy(rows["redundancy"]) | _gradient(rows["gradient"]) | _error_bar(points)
    values |= {
        "nll-psnr": [_mean(_differences(unrolled, "unrolled-nll", "unrolled-mse", RADIAL_TESTED))],
        "unrolled-unet": [min(_differences(unrolled, "unrolled", "unrolled-unet", RADIAL_TESTED))],
        "learned-radial": [min(_differences(unrolled, "unrolled", "unrolled-radial", RADIAL_TESTED))],
    }
    return values | _real(rows["real"])


def _at(rows: pd.DataFrame, model: str, ratio: float) -> float:
    """Return the PSNR of a model at one ratio, seed 0."""
    (value,) = rows[(rows["model"] == model) & (rows["seed"] == 0) & (rows["ratio"] == ratio)]["psnr_drawn"]
    return float(value)


def _differences(rows: pd.DataFrame, model: str, other: str, ratios: tuple[float, ...], seed: int = 0) -> list[float]:
    """Return how much higher the PSNR of a model is than that of another, ratio by ratio."""
    gap = curve(rows, model, seed) - curve(rows, other, seed)
    return [float(gap[ratio]) for ratio in ratios]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _redundancy(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the largest ratio over 10, 20 and 30 % to each control, one value a seed."""
    own = rows[rows["model"] == "points"]
    controls = {"redundancy-uniform": own["ratio"], "redundancy-density": own["redundancy_density"]}
    return {name: [*(own["redundancy"] / control).groupby(own["seed"]).max()] for name, control in controls.items()}


def _gradient(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the noise over signal under NLL over that under MSE, the mean over the ratios, in the model of NLL."""
    own = rows[(rows["model"] == "points-nll") & (rows["pattern"] == "trained")]
    table = own.pivot_table(index="ratio", columns="loss", values="noise_to_signal")
    return {"nll-gradient": [float((table["nll"] / table["mse"]).mean())]}


def _error_bar(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the correlation of deviation and error, and how far it is above that of the image, one value a seed."""
    own = rows[rows["model"] == "points"].groupby("seed")[["correlation_drawn", "correlation_image_drawn"]].mean()
    above = own["correlation_drawn"] - own["correlation_image_drawn"]
    return {"variance-error": [*own["correlation_drawn"]], "variance-image": [*above]}


def _real(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return how far the most probable learned lines are above the mean of random masks, the lesser of 32 and 16."""
    mean = rows.groupby(["method", "lines", "mask"])["psnr"].mean()
    found = {}
    for claim, method in (("real-l1", "l1-wavelet"), ("real-flat", "flat")):
        found[claim] = [min(float(mean[method, n, "top"] - mean[method, n, "random"]) for n in (32, 16))]
    return found
