"""The experiment on the safety net: its samplings, and what its stored rows say of the limit."""

import pandas as pd
import pytest

from mrilab.baselines.experiments import safety_net
from mrilab.evaluation.experiments import find_experiment, read_results, recompute_rows
from mrilab.evaluation.safety import LIMIT

WRONG = -3.0  # dB; an image this far below L1-wavelet's is wrong
KEYS = ["scan", "sampling", "acceleration"]


@pytest.fixture(scope="module")
def images():
    """One row an image of a network, with its gain over L1-wavelet in dB."""
    rows = read_results("safety_net")
    psnr = rows.pivot(index=KEYS, columns="method", values="psnr")
    gains = psnr.sub(psnr["l1-wavelet"], axis=0).stack().rename("gain").reset_index()
    return pd.merge(rows, gains, on=[*KEYS, "method"]).query("method != 'l1-wavelet'")


def test_every_case_was_measured():
    experiment, rows = find_experiment("safety_net"), read_results("safety_net")
    assert len(rows) == len(experiment.cases()) == len(rows[list(experiment.keys)].drop_duplicates())
    assert rows["distance"][rows["method"] == "l1-wavelet"].max() == 0


@pytest.mark.parametrize("sampling", safety_net.SAMPLINGS)
def test_scans_are_sampled_as_they_say(sampling):
    scan = safety_net.sampled(safety_net.SCANS[0], sampling, 4)
    height, width = scan.shape
    mask = scan.beside.expand(height, width)
    lines, columns = mask.any(1), mask.any(0)
    assert mask[height // 2, width // 2] and 0.15 < mask.double().mean() < 0.35
    assert (scan.beside.shape == (height, 1)) == (sampling == "horizontal")
    assert columns.all() == (sampling in ("poisson", "horizontal")) and (lines.all() == (sampling != "horizontal"))
    empty = {"partial-fourier": width // 4, "padded": width // 16}.get(sampling, 0)
    assert not columns[:empty].any()
    if sampling == "padded":
        assert scan.acquired is not None and not scan.kspace[..., :empty].any() and not scan.kspace[..., -empty:].any()


def test_wrong_images_are_flagged_and_right_ones_are_not(images):
    wrong, right = images[images["gain"] < WRONG], images[images["gain"] > 0]
    assert len(wrong) > 100 and len(right) > 200
    assert (right["distance"] > LIMIT).mean() <= 0.02
    assert (wrong["distance"] > LIMIT).mean() > 0.85


def test_the_network_for_scans_from_elsewhere_is_ahead_in_every_cell(images):
    own = images[images["method"] == "flat-derived-any"]
    assert own["gain"].mean() >= 1.5
    assert (own.groupby(["sampling", "acceleration"])["gain"].mean() > 0).all()


def test_a_stored_row_is_found_again():
    rows = read_results("safety_net").query("method == 'modl-heads' and acceleration == 4").head(1)
    again = recompute_rows("safety_net", rows)
    assert again["psnr"].item() == pytest.approx(rows["psnr"].item(), abs=5e-3)
    assert again["distance"].item() == pytest.approx(rows["distance"].item(), abs=5e-3)
