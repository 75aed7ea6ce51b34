import pytest

from mrilab.baselines.experiments import costs
from mrilab.errors import UserError
from mrilab.evaluation.experiments import find_experiment


def test_a_case_is_measured_in_a_process_of_its_own():
    experiment = find_experiment("costs")
    assert len(experiment.cases()) == len(costs.OPTIONS) * costs.RUNS
    values = experiment.measure({"method": "zero-filled", "run": 0})
    assert set(values) == set(experiment.measured)
    assert 0 < values["method_seconds"] < 10 and 50 < values["peak_memory_mb"] < 4000 and 15 < values["psnr"] < 35


def test_a_failure_is_told_with_its_sentence(monkeypatch):
    monkeypatch.setitem(costs.OPTIONS, "zero-filled", "zero-filled --nonsense 1")
    with pytest.raises(UserError, match="zero-filled failed: .*nonsense"):
        costs.measure("zero-filled", 0)
