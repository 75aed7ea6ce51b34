"""The tables of lesson 5, from rows with known answers."""

import numpy as np
import pandas as pd
import pytest

from mrilab.infomri.tables import curve, distances, quality_table, seeds

RATIOS = (0.0625, 0.125, 0.1875, 0.25)


@pytest.fixture
def rows():
    base = dict(zip(RATIOS, (22.0, 25.0, 27.0, 29.0), strict=True))
    listed = [("points", seed, r, value + 0.1 * seed) for seed in range(3) for r, value in base.items()]
    listed += [("uniform", seed, r, value - 2 + 0.2 * seed) for seed in range(3) for r, value in base.items()]
    listed += [(f"loupe-{100 * r:g}", 0, r, value - 0.5) for r, value in base.items()]
    listed += [("loupe-12.5", seed, 0.125, 24.0) for seed in (1, 2)]
    return pd.DataFrame(listed, columns=["model", "seed", "ratio", "psnr_drawn"])


def test_models_of_one_ratio_each_are_one_curve(rows):
    assert [*curve(rows, "loupe", 0)] == [21.5, 24.5, 26.5, 28.5] and seeds(rows, "loupe") == [0]
    assert seeds(rows, "points") == [0, 1, 2]


def test_distances_are_one_a_seed(rows):
    np.testing.assert_allclose(distances(rows, "uniform", "points"), [-2.0, -1.9, -1.8])
    np.testing.assert_allclose(distances(rows, "loupe", "points"), [-0.5])


def test_the_table_has_a_line_for_each_model(rows):
    table = quality_table(rows, {"InfoMRI": "points", "uniform": "uniform", "LOUPE": "loupe"}, "points").splitlines()
    assert len(table) == 5
    assert table[2].startswith("| InfoMRI | 22.10 | 25.10 | 27.10 | 29.10 | +0.00 | +0% | 3 |")
    assert table[3].startswith("| uniform | 20.20 |") and "-1.90 [-2.15, -1.65]" in table[3]
    assert table[4].startswith("| LOUPE | 21.50 |") and "| -0.50 |" in table[4] and table[4].endswith("| 1 |")
