"""The claims of lesson 5 from rows with known answers."""

import itertools

import pandas as pd
import pytest

from mrilab.evaluation.claims import ClaimsTable, read_claims
from mrilab.infomri.models import LINES, POINTS, UNROLLED_MODELS
from mrilab.infomri.verdicts import claim_values

LEVEL = {0.05: 20.0, 0.0625: 22.0, 0.1: 24.0, 0.125: 25.0, 0.15: 26.0, 0.1875: 27.0, 0.25: 29.0}
THREE = ("points", "points-uniform", "points-variable-density", "points-closed-form", "lines", "lines-equispaced")
SHIFT = {
    "points-uniform": -4.0, "points-closed-form": 0.4, "points-loupe": -0.2, "points-one": 0.1,
    "points-sequential": -1.0,
    "lines-loupe": -0.9, "lines-equispaced": -2.0, "lines-policy": 0.5, "unrolled-nll": -0.3, "unrolled-unet": -1.5,
    "unrolled-radial": -3.0,
}  # fmt: skip


def quality(models):
    listed = []
    for name, model in models.items():
        for seed in range(3) if name in THREE else (0,):
            for r in model.tested:
                family = name.removesuffix(f"-{100 * r:g}")
                value = LEVEL[r] + SHIFT.get(family, 0.0)
                listed.append((name, seed, r, value, 0.6, 0.5))
    columns = ["model", "seed", "ratio", "psnr_drawn", "correlation_drawn", "correlation_image_drawn"]
    return pd.DataFrame(listed, columns=columns)


@pytest.fixture
def rows():
    pairs = [("points", seed, r, 0.2 * r, 0.5) for seed in range(3) for r in (0.1, 0.2, 0.3)]
    gradient = [("points-nll", "trained", r, loss, value)
                for r in (0.125, 0.25) for loss, value in (("nll", 3.0), ("mse", 2.0), ("beta-nll", 1.0))]  # fmt: skip
    real = [(method, n, mask, seed, 30.0 + n / 16 * (mask == "top") + 0.1 * (seed == 1))
            for method, n in itertools.product(("l1-wavelet", "flat", "infomri"), (32, 16))
            for mask, seed in (("top", 0), ("random", 0), ("random", 1))]  # fmt: skip
    return {
        "points": quality(POINTS),
        "lines": quality(LINES),
        "unrolled": quality(UNROLLED_MODELS),
        "redundancy": pd.DataFrame(pairs, columns=["model", "seed", "ratio", "redundancy", "redundancy_density"]),
        "gradient": pd.DataFrame(gradient, columns=["model", "pattern", "ratio", "loss", "noise_to_signal"]),
        "real": pd.DataFrame(real, columns=["method", "lines", "mask", "seed", "psnr"]),
    }


def test_every_declared_claim_is_measured_as_its_protocol_says(rows):
    values = claim_values(rows)
    table = ClaimsTable(read_claims("05_information_sampling"), values)
    assert len(table.rows) == len(values)
    expected = {
        "amortised-12": [0.1], "loupe-points": [0.2], "loupe-lines": [-0.9], "uniform": [-4.0] * 3,
        "sequential": [-1.0],
        "policy": [0.5], "closed-form-points": [-0.4] * 3, "redundancy-uniform": [0.2] * 3, "nll-gradient": [1.5],
        "redundancy-density": [0.12] * 3, "variance-error": [0.6] * 3, "variance-image": [0.1] * 3, "nll-psnr": [-0.3],
        "unrolled-unet": [1.5], "learned-radial": [3.0], "real-l1": [0.95], "spectrum": [0.0],
    }  # fmt: skip
    for name, known in expected.items():
        assert values[name] == pytest.approx(known), name
