"""The experiments on robustness: their grids, their scans, and that each method of each grid can be measured."""

import importlib

import pytest
import torch

from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import SHIFTS, find_shift
from mrilab.errors import UserError
from mrilab.evaluation import shifted
from mrilab.evaluation.experiments import find_experiment
from mrilab.evaluation.reconstruct import reconstruct

NAMES = ("shifts_classical", "shifts_langevin")


@pytest.mark.parametrize("name", NAMES)
def test_cases_are_distinct_and_have_the_keys(name):
    experiment = find_experiment(name)
    cases = experiment.cases()
    assert all(tuple(case) == experiment.keys for case in cases)
    assert len({tuple(case.values()) for case in cases}) == len(cases) > 0
    assert {case["shift"] for case in cases} == set(SHIFTS)
    assert {case["acceleration"] for case in cases if case["shift"] == "none"} == {2, 3, 4, 6, 8, 12}
    assert {case["acceleration"] for case in cases if case["shift"] != "none"} == {4, 8}


def test_every_test_scan_is_taken_and_four_by_convdecoder():
    for shift, acceleration in shifted.GRID:
        count = find_recipe(find_shift(shift).dataset).count
        cases = [
            case
            for name in NAMES
            for case in find_experiment(name).cases()
            if (case["shift"], case["acceleration"]) == (shift, acceleration)
        ]
        for method in {case["method"] for case in cases}:
            scans = [case["scan"] for case in cases if case["method"] == method]
            assert len(scans) == (4 if method == "convdecoder" else count)


def test_a_scan_is_the_embedded_one_and_the_noise_shift_has_six_times_its_noise():
    scan, truth, index = shifted.shifted_scan("horizontal", "heads-t2-test-03")
    noisy, same_truth, _ = shifted.shifted_scan("noise", "heads-t2-test-03")
    assert index == 3 and scan.path.stem == "heads-t2-test-03" and torch.equal(truth, same_truth)
    added = torch.view_as_real(noisy.kspace - scan.kspace)
    assert added.std().item() == pytest.approx(0.01 * 35**0.5, rel=0.01)


def test_an_unknown_shift_is_told_with_all():
    with pytest.raises(UserError, match="no shift 'vertical'; choose one of none, horizontal, .*, noise"):
        find_shift("vertical")


@pytest.mark.parametrize("shift", ["none", "horizontal", "poisson"])
def test_a_case_is_measured_by_the_names_that_are_declared(shift, monkeypatch):
    experiment = find_experiment("shifts_classical")

    def quick(scan, method, **options):
        return reconstruct(scan, method, **options | ({"iterations": 2} if method == "convdecoder" else {}))

    monkeypatch.setattr(shifted, "reconstruct", quick)
    first = {case["method"]: case for case in reversed(experiment.cases()) if case["shift"] == shift}
    for method, case in first.items():
        values = experiment.measure(case)
        assert set(experiment.measured) <= set(values), method
        assert torch.tensor([values[key] for key in experiment.measured]).isfinite().all(), method


def test_the_prior_and_the_settings_of_the_sampler_are_the_courses(monkeypatch):
    module, seen = importlib.import_module("mrilab.experiments.shifts_langevin"), {}

    def quick(scan, method, **options):
        seen.update(options, method=method)
        return reconstruct(scan, method, **options | {"samples": 1, "levels": 2, "scale": "zero-filled"})

    monkeypatch.setattr(shifted, "reconstruct", quick)
    case = next(case for case in module.EXPERIMENT.cases() if case["shift"] == "horizontal")
    assert set(module.EXPERIMENT.measured) <= set(module.EXPERIMENT.measure(case))
    assert (seen["method"], seen["prior"], seen["samples"]) == ("langevin", "score-t2", module.SAMPLES)
    assert (seen["mask"], seen["direction"], seen["acceleration"]) == ("equispaced", "horizontal", 4)
