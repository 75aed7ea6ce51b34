"""A study of a small head with networks that nobody trained: what it counts, not how good it is."""

import math
from dataclasses import replace

import pytest
import torch

from mrilab.csgm.denoiser import Denoiser
from mrilab.data.recipes import RECIPES, simulate
from mrilab.data.scans import Scan
from mrilab.evaluation.experiments import read_results
from mrilab.sgr import study as module
from mrilab.sgr.experiments import (
    sgr_bounds,
    sgr_calibrated,
    sgr_calibration,
    sgr_guidance,
    sgr_knee,
    sgr_samplers,
    sgr_strength,
    sgr_variants,
)
from mrilab.sgr.measures import precision, recall
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.segmentation import Segmenter
from mrilab.sgr.study import ATTACKS, KINDS, MEASURED, Networks, Study, segmented
from mrilab.sgr.volume import indicator

CLASSES = ("csf", "grey matter", "white matter", "lesion")


class Prior:
    """A denoiser with the range of noise that a score prior has."""

    sigma_min, sigma_max = 0.02, 80.0

    def __init__(self):
        torch.manual_seed(0)
        self.network = Denoiser(8).eval().requires_grad_(False)

    def denoise(self, x, sigma):
        flat = x.reshape(-1, *x.shape[-2:])
        return self.network(flat, torch.full((len(flat),), float(sigma))).reshape(x.shape)


@pytest.fixture(scope="module")
def own():
    """Return the study of two of three slices, 32 x 32, and the simulation."""
    patch = pytest.MonkeyPatch()
    patch.setitem(RECIPES, "small", replace(RECIPES["heads-t2-slab-val"], shape=(32, 32)))
    patch.setattr(module, "RR", 3)
    simulated = simulate("small", 1)
    patch.setattr(module, "scan_of", lambda name: Scan(simulated.kspace, None, n_slices=3, slices=(0, 1, 2)))
    torch.manual_seed(1)
    first, second = (Segmenter(CLASSES, kind, 8, 3).eval().requires_grad_(False) for kind in ("unet", "segresnet"))
    yield Study("small-01", 2, Networks(Prior(), first, second), Sampling(steps=4), slices=(0, 2)), simulated
    patch.undo()


def test_a_row_has_every_value_and_the_controls_have_the_volumes_of_the_bounds(own):
    study, _ = own
    row = study.row("grey matter", b=0.1)
    assert set(row) == set(MEASURED)
    for kind in ("distance", "one_sample", "mean"):
        assert (row[f"{kind}_low"], row[f"{kind}_up"]) == (row["sgr_low"], row["sgr_up"])
    assert row["all_samples_low"] <= row["rr_low"] <= row["rr_slab_low"] <= row["rr_slab_up"] <= row["rr_up"]
    assert row["rr_up"] <= row["all_samples_up"]
    assert all(math.isfinite(row[name]) for name in (*ATTACKS, "sgr_psnr", "rr_ssim", "sgr_residual"))
    assert {f"{kind}_precision" for kind in KINDS} <= set(row)


def test_truth_and_volumes_are_those_of_the_simulation_and_the_network(own):
    study, simulated = own
    row = study.row("csf", b=0.05)
    true = simulated.labels[[0, 2]] == study.names.index("csf")
    full = indicator(segmented(study.networks.first, study.trial.full), 1)
    assert row["true"] == true.sum() and row["full"] == full.sum()
    low, up = study.picked(1, "slice")
    assert row["rr_precision"] == pytest.approx(precision(low, full), nan_ok=True)
    assert row["rr_recall_true"] == pytest.approx(recall(up, true), nan_ok=True)


def test_without_strength_the_bounds_are_the_unguided_image(own):
    study, _ = own
    row = study.row("grey matter", b=0.0)
    expected = float(indicator(segmented(study.networks.first, study.base), 2).sum())
    assert row["sgr_low"] == row["sgr_up"] == row["attack_first_low"] == row["null_first_up"] == expected


@pytest.mark.parametrize(
    "experiment",
    [sgr_bounds, sgr_calibrated, sgr_calibration, sgr_guidance, sgr_knee, sgr_samplers, sgr_strength, sgr_variants],
)
def test_no_case_of_an_experiment_comes_twice(experiment):
    listed = experiment.cases()
    assert listed and len(set(listed)) == len(listed)


def test_the_strengths_are_the_smallest_that_hold_nine_tenths():
    rows, chosen = read_results("sgr_calibration"), sgr_calibrated.chosen_strengths()
    held = rows["true"].between(rows["low"], rows["up"])
    for r in sgr_bounds.ACCELERATIONS:
        shares = held[rows["acceleration"] == r].groupby(rows["b"]).mean()
        assert shares[chosen[r]] >= 0.9 and (shares[shares.index < chosen[r]] < 0.9).all()
    assert held[rows["b"] == chosen[sgr_calibrated.ALL]].mean() >= 0.9
