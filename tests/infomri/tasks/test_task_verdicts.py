"""The claims of lesson 5, part 2, from rows with known answers."""

import itertools

import pandas as pd
import pytest

from mrilab.evaluation.claims import ClaimsTable, read_claims
from mrilab.infomri.experiments.infomri_tasks_calibration import listed as calibrated
from mrilab.infomri.experiments.infomri_tasks_segmentation import listed
from mrilab.infomri.tasks.classifiers import CONTROLS, GLYPHS, HEADS
from mrilab.infomri.tasks.stages import ACCELERATIONS, WEIGHTS
from mrilab.infomri.tasks.verdicts import chosen, claim_values, others, strongest

ATTACKERS = ("three layers", "U-Net", "unrolled")
# accuracy, PSNR of three layers, and what the best attacker recognises
DIGITS = {
    "glyphs-beta0": (0.90, 20.0, 0.8), "glyphs-beta-0.001": (0.90, 18.0, 0.6), "glyphs-beta-0.01": (0.895, 17.0, 0.2),
    "glyphs-beta-0.1": (0.80, 15.0, 0.1), "glyphs-beta-0.3": (0.10, 14.0, 0.02), "glyphs-beta-1": (0.10, 14.0, 0.02),
    "glyphs-loupe": (0.88, 22.0, 0.9),
    "glyphs-beta0-12x": (0.86, 19.0, 0.5), "glyphs-beta0-16x": (0.80, 18.0, 0.4), "glyphs-beta0-24x": (0.60, 16.0, 0.1),
    "glyphs-beta0-32x": (0.50, 15.0, 0.1),
}  # fmt: skip


def segmentation():
    rows = []
    for model, seed, R, group in listed():
        better = 0.1 * model.startswith("tackle") - 0.2 * (model == "infomri")
        ged = 0.4 + R / 100 + better + 0.001 * group
        dice = 0.9 - R / 100 - better - 0.05 * model.startswith("linet")
        rows.append((model, seed, R, group, ged, dice, R / 40, ged + 0.05))
    return pd.DataFrame(
        rows, columns=["model", "seed", "acceleration", "group", "ged", "dice", "spread", "ged_pixelwise"]
    )


def attacks(models, seeds):
    rows = []
    for model, seed in itertools.product(models, seeds):
        accuracy, value, seen = DIGITS.get(model, (0.5, 16.0, 0.3))
        for gain, attacker in enumerate(ATTACKERS):
            information = 0.9 if model.endswith("loupe") else 0.8
            rows.append((model, seed, attacker, accuracy, accuracy, value + 0.2 * gain, seen, information))
    columns = ["model", "seed", "attacker", "accuracy", "auroc", "psnr", "recognised", "information"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def rows():
    weights = [
        (name, R, 0.7 - 0.1 * (name == "kl-50") - 0.02 * (name == "kl-1")) for name in WEIGHTS for R in ACCELERATIONS
    ]
    calibration = [(model, R, 0.01 + 0.02 * (model != "infomri"), 0.02, 0.8, 0.9) for model, R in calibrated()]
    return {
        "segmentation": segmentation(),
        "calibration": pd.DataFrame(
            calibration, columns=["model", "acceleration", "ece", "brier", "triage", "information"]
        ),
        "draws": pd.DataFrame([(8, 0.4), (32, 0.39)], columns=["draws", "ged"]),
        "weights": pd.DataFrame(weights, columns=["weights", "acceleration", "dice"]),
        "glyphs": pd.concat([attacks(GLYPHS, range(3)), attacks(CONTROLS, (0,))]),
        "kinds": attacks(HEADS, (0,)),
        "points": pd.DataFrame([("points", 0, 0.125, 0.97)], columns=["model", "seed", "ratio", "information_drawn"]),
    }


def test_every_declared_claim_is_measured_as_its_protocol_says(rows):
    values = claim_values(rows)
    table = ClaimsTable(read_claims("05b_information_tasks"), values)
    assert len(table.rows) == len(values)
    expected = {
        "ged-4": [-0.2] * 8, "dice-32": [0.2] * 8, "loss-ged": [0.0], "loss-dice": [0.0], "linet-unet": [-0.05],
        "tackle-semunet": [-0.1] * 8, "calibration-ece": [-0.02], "calibration-brier": [0.0], "latent": [0.25],
        "eight-samples": [0.975], "weights-kl": [0.02], "weights-reconstruction": [0.0], "cliff": [0.09] * 8,
        "diversity": [0.7] * 8,
        "triage": [0.8, 0.8], "pattern-segmentation": [-0.07], "stronger-attacker": [0.4],
        "private-accuracy": [5.0] * 3, "recognised": [0.25] * 3, "pattern-classification": [-0.1],
    }  # fmt: skip
    for name, value in expected.items():
        assert values[name] == pytest.approx(value), name


def test_the_chosen_beta_keeps_the_accuracy_or_is_the_strongest(rows):
    best = strongest(rows["glyphs"].query("seed == 0"))
    assert chosen(best) == (True, "glyphs-beta-0.01")
    weak = best.assign(accuracy=best["accuracy"].where(~best.index.str.contains("beta-"), 0.5))
    assert chosen(weak) == (False, "glyphs-beta-1")


def test_less_sampling_is_the_control_at_equal_attack(rows):
    (first, *_) = claim_values(rows)["less-sampling"]
    gaps = [
        0.90 - 0.80,
        0.895 - 0.70,
        0.80 - 0.50,
        0.10 - 0.50,
        0.10 - 0.50,
    ]  # the control at 18, 17, 15, and below that
    assert first == pytest.approx(100 * sum(gaps) / 5)


def test_models_of_one_acceleration_are_one_other(rows):
    assert others(rows["segmentation"]) == [
        "linet-closed-form", "linet-poisson", "linet-uniform", "linet-variable-density", "loupe-linet",
        "loupe-unet-rs", "semunet", "tackle", "unet-rs-closed-form", "unet-rs-poisson", "unet-rs-uniform",
        "unet-rs-variable-density",
    ]  # fmt: skip
