from dataclasses import replace

import pandas as pd
import pytest

from mrilab.classical.experiments import classical
from mrilab.classical.experiments.classical_incoherence import PATTERNS, pattern
from mrilab.evaluation.experiments import find_experiment, read_results, recompute_rows, run_experiment
from mrilab.paths import RESULTS
from mrilab.physics.sampling import calibration_box, effective_acceleration


def test_the_grid_is_complete():
    cases = pd.DataFrame(find_experiment("classical").cases())
    assert len(cases) == 12 * 6 * 3 and not cases.duplicated().any()
    assert set(cases["acceleration"]) == {2, 3, 4, 6, 8, 12}


def test_two_runs_of_a_case_give_the_same_row(tmp_path):
    experiment = find_experiment("classical")
    two = experiment.cases()[1:3]
    experiment = replace(experiment, cases=lambda: two)
    tables = []
    for name in ("first.csv", "second.csv"):
        run_experiment(experiment, tmp_path / name, progress=False)
        tables.append(pd.read_csv(tmp_path / name)[list(classical.MEASURED)])
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert (tables[0]["psnr"] > 15).all() and tables[0]["ssim"].between(0.3, 1).all()


@pytest.mark.skipif(not (RESULTS / "classical.csv").is_file(), reason="results/classical.csv was not measured yet")
def test_committed_results_are_complete_and_can_be_measured_again():
    stored = read_results("classical")
    assert len(stored) == len(classical.cases())
    assert not stored["commit"].str.contains("changes|unknown").any(), "measure it with committed code"
    rows = stored.sample(3, random_state=1)
    difference = recompute_rows("classical", rows) - rows[list(classical.MEASURED)]
    assert difference["psnr"].abs().max() < 0.05  # dB
    assert difference[["ssim", "nrmse"]].abs().max().max() < 0.002


@pytest.mark.parametrize(
    "name", ["classical_maps", "classical_incoherence", "classical_single_coil", "classical_noise"]
)
def test_what_lesson_1_shows_besides_is_complete_and_can_be_measured_again(name):
    experiment, stored = find_experiment(name), read_results(name)
    assert len(stored) == len(experiment.cases()) and not stored.duplicated(list(experiment.keys)).any()
    assert not stored["commit"].str.contains("changes|unknown").any(), "measure it with committed code"
    row = stored.sample(1, random_state=1)
    again = recompute_rows(name, row)
    assert (again - row[list(experiment.measured)]).abs().max().max() < 0.02  # dB, and SSIM


@pytest.mark.parametrize("name", PATTERNS)
def test_all_patterns_have_the_same_effective_acceleration_and_a_full_centre(name):
    mask = pattern(name, (128, 128), 3)
    assert effective_acceleration(mask, (128, 128)) == pytest.approx(3.2, rel=0.02)
    assert min(calibration_box(mask, (128, 128))) >= 10
