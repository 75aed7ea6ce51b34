import csv
import os
import signal
import subprocess
import sys
import time
import warnings

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from mrilab import machine
from mrilab.cli import app
from mrilab.errors import UserError
from mrilab.evaluation import experiments
from mrilab.evaluation.experiments import PROVENANCE, Experiment, read_results, recompute_rows, run_experiment

SCRIPT = """
import math, sys, time
from pathlib import Path
from mrilab.evaluation.experiments import Experiment, run_experiment

def measure(case):
    time.sleep(float(sys.argv[2]))
    return {"sine": math.sin(case["a"]) / 7, "product": case["a"] * case["seed"]}

toy = Experiment(
    title="toy", keys=("a", "seed"), measured=("sine", "product"), measure=measure,
    cases=lambda: [{"a": a, "seed": seed} for a in range(1, 6) for seed in (0, 1, 2)],
)
print(run_experiment(toy, Path(sys.argv[1]), progress=False))
"""


def toy(measure=None, cases=None) -> Experiment:
    return Experiment(
        title="toy",
        keys=("a",),
        measured=("half",),
        cases=cases or (lambda: [{"a": a} for a in range(5)]),
        measure=measure or (lambda case: {"half": case["a"] / 2}),
    )


def cases_and_values(path):
    with path.open() as file:
        return [{k: v for k, v in row.items() if k not in PROVENANCE} for row in csv.DictReader(file)]


def start(script, path, pause):
    command = [sys.executable, script, str(path), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    script = tmp_path / "toy.py"
    script.write_text(SCRIPT)
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    assert start(script, whole, 0).communicate()[0] == "15\n"

    killed = start(script, broken, 0.1)
    deadline = time.monotonic() + 60
    while not broken.exists() or broken.read_text().count("\n") < 5:
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    kept = broken.read_text().count("\n") - 1
    assert 4 <= kept < 15

    with broken.open("a") as file:
        file.write("3,1,0.02")  # what a power cut leaves of a line
    assert start(script, broken, 0).communicate()[0] == f"{15 - kept}\n"
    assert cases_and_values(broken) == cases_and_values(whole)


def test_an_interrupt_keeps_the_finished_rows(tmp_path):
    def measure(case):
        if case["a"] == 3:
            raise KeyboardInterrupt
        return {"half": case["a"] / 2}

    with pytest.raises(KeyboardInterrupt):
        run_experiment(toy(measure), tmp_path / "toy.csv", progress=False)
    assert [row["a"] for row in cases_and_values(tmp_path / "toy.csv")] == ["0", "1", "2"]


@pytest.mark.parametrize("left", ["", "a,ha"])
def test_a_kill_before_the_first_row_is_no_trouble(tmp_path, left):
    path = tmp_path / "toy.csv"
    path.write_text(left)
    assert run_experiment(toy(), path, progress=False) == 5
    assert len(cases_and_values(path)) == 5


def test_a_wider_grid_adds_only_the_new_cases(tmp_path):
    path = tmp_path / "toy.csv"
    run_experiment(toy(), path, progress=False)
    measured = []
    wider = toy(
        lambda case: measured.append(case["a"]) or {"half": case["a"] / 2},
        cases=lambda: [{"a": a} for a in range(-2, 7)],
    )
    assert run_experiment(wider, path, progress=False) == 4
    assert measured == [-2, -1, 5, 6]


def test_parts_share_the_cases(tmp_path):
    path = tmp_path / "toy.csv"
    assert run_experiment(toy(), path, progress=False, part=(2, 2)) == 3
    assert [row["a"] for row in cases_and_values(path)] == ["2", "3", "4"]  # neighbours
    assert run_experiment(toy(), path, progress=False, part=(2, 2)) == 0
    assert run_experiment(toy(), path, progress=False, part=(1, 2)) == 2
    assert sorted(row["a"] for row in cases_and_values(path)) == list("01234")
    for part in ((0, 2), (3, 2), (1, 0)):
        with pytest.raises(UserError, match="there is no part"):
            run_experiment(toy(), path, progress=False, part=part)


def test_rows_say_where_they_come_from(tmp_path):
    run_experiment(toy(), tmp_path / "toy.csv", progress=False)
    row = pd.read_csv(tmp_path / "toy.csv").iloc[0]
    assert row["device"].split()[0] in {"cpu", "cuda"}
    assert row["seconds"] >= 0 and row["version"] and row["commit"]


def test_other_columns_are_not_mixed_in(tmp_path):
    (tmp_path / "toy.csv").write_text("other,columns\n1,2\n")
    with pytest.raises(UserError, match="other columns"):
        run_experiment(toy(), tmp_path / "toy.csv", progress=False)
    assert (tmp_path / "toy.csv").read_text() == "other,columns\n1,2\n"


def test_stored_rows_can_be_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "find_experiment", lambda name: toy())
    run_experiment(toy(), tmp_path / "toy.csv", progress=False)
    rows = read_results("toy", tmp_path).iloc[[4, 1]]
    again = recompute_rows("toy", rows)
    assert list(again.index) == [4, 1]
    assert (again["half"] == rows["half"]).all()
    with pytest.raises(UserError, match="no case"):
        recompute_rows("toy", rows.assign(a=99))


def test_fractions_and_empty_words_are_found_again_in_the_file(tmp_path, monkeypatch):
    cases = [{"weight": weight, "wavelet": name} for weight in (1e-3, 0.3, 1e-7) for name in ("", "db4")]
    odd = Experiment(
        title="odd keys",
        keys=("weight", "wavelet"),
        measured=("value",),
        cases=lambda: cases,
        measure=lambda case: {"value": float("nan") if case["wavelet"] else case["weight"]},
    )
    monkeypatch.setattr(experiments, "find_experiment", lambda name: odd)
    assert run_experiment(odd, tmp_path / "odd.csv", progress=False) == 6
    assert run_experiment(odd, tmp_path / "odd.csv", progress=False) == 0
    stored = read_results("odd", tmp_path)
    pd.testing.assert_frame_equal(recompute_rows("odd", stored), stored[["value"]])


def test_the_decorator_registers_a_function_whose_parameters_are_the_keys(monkeypatch, recwarn):
    monkeypatch.setattr(experiments, "_registered", {})

    @experiments.experiment("halves", measured=("half",), cases=lambda: [(3, 0), (4, 0)])
    def measure(a: int, seed: int) -> dict[str, float]:
        warnings.warn("only 5 lines: coil maps at low resolution instead of ESPIRiT", stacklevel=1)
        return {"half": a / 2}

    ((name, registered),) = experiments._registered.items()
    assert name == __name__.rpartition(".")[2] and registered.title == "halves"
    assert registered.cases() == [{"a": 3, "seed": 0}, {"a": 4, "seed": 0}]
    assert registered.columns == ("a", "seed", "half", *PROVENANCE)
    assert [registered.measure(case) for case in registered.cases()] == [{"half": 1.5}, {"half": 2.0}]
    assert not recwarn.list  # the fallback is expected in an experiment, every time
    assert measure(5, 0) == {"half": 2.5} and len(recwarn.list) == 1  # and not outside one


def test_a_scan_of_a_case_is_the_embedded_one():
    scan, simulated = experiments.scan_of("heads-t2-val-01"), experiments.simulation_of("heads-t2-val-01")
    assert scan.name == "heads-t2-val-01"
    torch.testing.assert_close(scan.kspace[0], simulated.kspace)


def test_results_that_are_not_there_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="mrilab experiment toy"):
        read_results("toy", tmp_path)


def test_the_commit_is_marked_when_the_code_differs_from_it_and_only_then(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    monkeypatch.setattr(machine, "ROOT", tmp_path)
    assert machine.commit() == "unknown"
    (tmp_path / "mrilab").mkdir()
    (tmp_path / "mrilab" / "code.py").write_text("x = 1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "toy.csv").write_text("being written")
    assert len(machine.commit()) == 12
    (tmp_path / "mrilab" / "code.py").write_text("x = 2")
    assert machine.commit().endswith("+changes")


def test_the_command_lists_and_refuses():
    listed = CliRunner().invoke(app, ["experiment", "--list"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == experiments.experiment_names()
    refused = CliRunner().invoke(app, ["experiment", "no-such"])
    assert isinstance(refused.exception, UserError) and "choose one of" in str(refused.exception)
    refused = CliRunner().invoke(app, ["experiment", "classical", "--part", "half"])
    assert isinstance(refused.exception, UserError) and "not of the form K/N" in str(refused.exception)
