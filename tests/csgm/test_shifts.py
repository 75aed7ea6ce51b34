"""The experiments on robustness: their grids, their scans, and that each method of each grid can be measured."""

import importlib

import pytest
import torch

from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.csgm.experiments import shifts_networks
from mrilab.data.recipes import find_recipe
from mrilab.data.shifts import SHIFTS, find_shift
from mrilab.errors import UserError
from mrilab.evaluation import shifted
from mrilab.evaluation.experiments import find_experiment
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint
from mrilab.training.tasks import tasks

NAMES = ("shifts_classical", "shifts_langevin", "shifts_networks")
NETWORKS = (shifts_networks.CHECKPOINTS | shifts_networks.SEEDS).values()
FACTS = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0, "metrics": {}}


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


def test_every_network_of_the_grid_can_be_trained():
    for name in NETWORKS:
        assert name.partition("-seed-")[0] in tasks()
    assert all(f"modl-{shift}" in tasks() for shift in SHIFTS if shift != "none")


def test_a_scan_is_the_embedded_one_and_the_noise_shift_has_six_times_its_noise():
    scan, truth, index = shifted.shifted_scan("horizontal", "heads-t2-test-03")
    noisy, same_truth, _ = shifted.shifted_scan("noise", "heads-t2-test-03")
    assert index == 3 and scan.path.stem == "heads-t2-test-03" and torch.equal(truth, same_truth)
    added = torch.view_as_real(noisy.kspace - scan.kspace)
    assert added.std().item() == pytest.approx(0.01 * 35**0.5, rel=0.01)


def test_an_unknown_shift_is_told_with_all():
    with pytest.raises(UserError, match="no shift 'vertical'; choose one of none, horizontal, .*, noise"):
        find_shift("vertical")


@pytest.fixture
def small_networks(tmp_path, monkeypatch):
    """Checkpoints by the names of the grid, untrained and small."""
    for name in (*NETWORKS, *(f"modl-{shift}" for shift in SHIFTS)):
        network = VarNet(2, 1, 1) if name.startswith("varnet") else MoDL(4, 1, 1)
        save_checkpoint(name, network.eval(), FACTS, tmp_path)
    monkeypatch.setattr(checkpoints.load_checkpoint, "__defaults__", (tmp_path,))


@pytest.mark.parametrize("name", ["shifts_classical", "shifts_networks"])
@pytest.mark.parametrize("shift", ["none", "horizontal", "poisson"])
def test_a_case_is_measured_by_the_names_that_are_declared(name, shift, small_networks, monkeypatch):
    experiment, seen = find_experiment(name), []

    def quick(scan, method, **options):
        seen.append((method, options.get("network")))
        return reconstruct(scan, method, **options | ({"iterations": 2} if method == "convdecoder" else {}))

    monkeypatch.setattr(shifted, "reconstruct", quick)
    first = {case["method"]: case for case in reversed(experiment.cases()) if case["shift"] == shift}
    for method, case in first.items():
        values = experiment.measure(case)
        assert set(experiment.measured) <= set(values), method
        assert torch.tensor([values[key] for key in experiment.measured]).isfinite().all(), method
    if name == "shifts_networks":
        assert ("modl", "modl-t2-seed-1") in seen and ("varnet", "varnet-t2") in seen
        assert (("modl", f"modl-{shift}") in seen) == (shift != "none")


def test_the_prior_and_the_settings_of_the_sampler_are_the_courses(monkeypatch):
    module, seen = importlib.import_module("mrilab.csgm.experiments.shifts_langevin"), {}

    def quick(scan, method, **options):
        seen.update(options, method=method)
        return reconstruct(scan, method, **options | {"samples": 1, "levels": 2, "scale": "zero-filled"})

    monkeypatch.setattr(shifted, "reconstruct", quick)
    experiment = find_experiment("shifts_langevin")
    case = next(case for case in experiment.cases() if case["shift"] == "horizontal")
    assert set(experiment.measured) <= set(experiment.measure(case))
    assert (seen["method"], seen["prior"], seen["samples"]) == ("langevin", "score-t2", module.SAMPLES)
    assert (seen["mask"], seen["direction"], seen["acceleration"]) == ("equispaced", "horizontal", 4)
