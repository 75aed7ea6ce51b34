"""The grid of FLAT's controls, and that a case can be measured from end to end, small."""

import math
from dataclasses import replace

import pytest

from mrilab.evaluation.experiments import find_experiment
from mrilab.flat.experiments import flat_controls
from mrilab.flat.experiments.flat_controls import MEASURED
from mrilab.flat.train import CONTROLS, TASKS
from mrilab.training.settings import Settings


def test_cases_are_distinct_and_change_one_factor_from_the_middle():
    cases = find_experiment("flat_controls").cases()
    assert len({tuple(case.values()) for case in cases}) == len(cases)
    middle = {case["control"] for case in cases if (case["alpha"], case["cascades"]) == (1.0, 12)}
    assert middle == set(CONTROLS)
    assert all(case["alpha"] == 1.0 or case["cascades"] == 12 for case in cases)
    assert {case["seed"] for case in cases} == {0, 1, 2}
    assert {case["alpha"] for case in cases} == {0.0, 1.0, 2.0, 4.0}
    assert {case["cascades"] for case in cases} == {4, 8, 12, 16}


@pytest.mark.parametrize("control", ["free", "shared", "sampler"])
def test_a_case_is_trained_resumed_and_measured(control, tmp_path, monkeypatch):
    small = replace(
        TASKS["flat-free-single"].profiles["smoke"], side=64, settings=Settings(2, batch=2, warmup=1, validate_every=2)
    )
    name = f"flat-{control}-single"
    monkeypatch.setitem(TASKS, name, replace(TASKS[name], profiles={"teach": small}))
    monkeypatch.setattr(flat_controls, "BUILD", tmp_path)
    monkeypatch.setattr(flat_controls, "ATTACKED", 1)
    case = {"control": control, "alpha": 1.0, "cascades": 3, "seed": 0}
    values = find_experiment("flat_controls").measure(case)
    assert set(values) == set(MEASURED)
    other = {"psnr_6_steps", "psnr_24_steps"}
    assert all(math.isfinite(values[name]) for name in MEASURED if name not in other)
    assert all(math.isfinite(values[name]) == (control != "free") for name in other)
    again = find_experiment("flat_controls").measure(case)  # from the state of the first
    assert again == pytest.approx(values, nan_ok=True)
