"""Bjontegaard's figures: how far two curves of quality over rate lie apart, on average, in quality or in rate."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from mrilab.errors import UserError


def bd_psnr(rates: Sequence[float], psnr: Sequence[float], anchor: Sequence[float]) -> float:
    """Return by how many dB `psnr` lies above `anchor` on average, over the logarithm of the same `rates`.

    Negative: worse than the anchor. Bjontegaard (VCEG-M33, 2001), with piecewise cubic interpolation as in VCEG-AI11,
    which does not swing between points as a cubic through four of them may.

    Raises:
        UserError: fewer than two rates, or rates that do not rise.
    """
    x = np.log(_rising("rates", rates))
    return _mean_difference(x, np.asarray(psnr, float), x, np.asarray(anchor, float))


def bd_rate(rates: Sequence[float], psnr: Sequence[float], anchor: Sequence[float]) -> float:
    """Return by which share more samples `psnr` needs than `anchor` for the same quality: 0.25 is a quarter more.

    Raises:
        UserError: a curve that does not rise, or curves with no quality in common.
    """
    x = np.log(_rising("rates", rates))
    own, other = _rising("PSNR", psnr), _rising("PSNR of the anchor", anchor)
    return float(np.expm1(_mean_difference(own, x, other, x)))


def _mean_difference(x: np.ndarray, y: np.ndarray, x_anchor: np.ndarray, y_anchor: np.ndarray) -> float:
    """Return the mean of y - y_anchor over the abscissas that both curves have."""
    low, high = max(x[0], x_anchor[0]), min(x[-1], x_anchor[-1])
    if not low < high:
        raise UserError("the two curves have no range in common; measure them at closer rates")
    areas = [PchipInterpolator(a, b).integrate(low, high) for a, b in ((x, y), (x_anchor, y_anchor))]
    return float((areas[0] - areas[1]) / (high - low))


def _rising(name: str, values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, float)
    if len(array) < 2 or not (np.isfinite(array).all() and (np.diff(array) > 0).all()):
        raise UserError(f"Bjontegaard's figures need {name} that rise, at least two; got {array.tolist()}")
    return array
