"""Bjontegaard's figures against curves that are shifted by a known amount."""

import numpy as np
import pytest

from mrilab.errors import UserError
from mrilab.evaluation.bjontegaard import bd_psnr, bd_rate

RATES = (0.0625, 0.125, 0.1875, 0.25)
CURVE = (22.0, 25.5, 27.7, 29.4)


@pytest.mark.parametrize("shift", [-1.3, 0.0, 2.0])
def test_a_curve_shifted_by_so_many_db_has_that_bd_psnr(shift):
    assert bd_psnr(RATES, np.add(CURVE, shift), CURVE) == pytest.approx(shift, abs=1e-12)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.7])
def test_a_curve_that_needs_so_many_times_the_samples_has_that_bd_rate(factor):
    psnr = np.log(np.array(RATES)) * 5 + 40
    assert bd_rate(RATES, psnr - 5 * np.log(factor), psnr) == pytest.approx(factor - 1, abs=1e-9)


def test_the_difference_is_a_mean_over_the_logarithm():
    line = np.log(np.array(RATES))
    middle = (line[0] + line[-1]) / 2
    assert bd_psnr(RATES, 2 * line, 3 * line) == pytest.approx(-middle)


def test_curves_that_mean_nothing_are_refused():
    with pytest.raises(UserError, match="rates that rise"):
        bd_psnr(RATES[::-1], CURVE, CURVE)
    with pytest.raises(UserError, match="no range|in common"):
        bd_rate(RATES, CURVE, np.add(CURVE, 50))
    with pytest.raises(UserError, match="PSNR that rise"):
        bd_rate(RATES, (22.0, 21.0, 23.0, 24.0), CURVE)
