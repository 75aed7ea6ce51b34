"""`mrilab test-gpu`, and the benchmarks of a device, which run on the CPU just as well."""

import importlib
import signal

import pytest
import torch
from typer.testing import CliRunner

from benchmarks import device as of_device
from benchmarks.__main__ import main
from mrilab.cli import app
from mrilab.commands import development
from mrilab.errors import UserError
from mrilab.processes import Stopped


@pytest.fixture
def called(monkeypatch):
    """The modules that the command runs, which here do nothing and end with these exit codes."""
    calls, codes = [], {}

    def run_module(*arguments):
        calls.append(arguments)
        return codes.get(arguments[0], 0)

    monkeypatch.setattr(development, "run_module", run_module)
    monkeypatch.setattr(importlib.import_module("mrilab.data.embedded"), "build", lambda: None)
    return calls, codes


def test_without_a_gpu_it_says_so_and_is_content(called, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(app, ["test-gpu"])
    assert result.exit_code == 0 and result.stdout == "test-gpu: torch finds no GPU here, so nothing was tested\n"
    assert called[0] == []


def test_tests_and_benchmarks_take_the_device_and_options_go_to_pytest(called):
    result = CliRunner().invoke(app, ["test-gpu", "--device", "cpu", "-k", "wavelet"])
    assert result.exit_code == 0 and "test-gpu: all passed" in result.stdout
    tests, benchmarks = called[0]
    assert tests[:4] == ("pytest", "tests/gpu", "--device", "cpu") and tests[-2:] == ("-k", "wavelet")
    assert benchmarks == ("benchmarks", "--device", "cpu")


@pytest.mark.parametrize("command", ["test", "bench"])
def test_without_the_tools_it_says_how_to_get_them(called, monkeypatch, command):
    monkeypatch.setattr(development, "find_spec", lambda name: None if name == "sigpy" else 1)
    result = CliRunner().invoke(app, [command])
    assert isinstance(result.exception, UserError) and called[0] == []
    assert str(result.exception).startswith("sigpy not installed; run `pip install -r requirements-dev.lock`")


@pytest.mark.parametrize("command", ["test", "bench"])
def test_a_signal_ends_it_with_its_code_and_nothing_else_is_started(monkeypatch, command):
    def stopped(*arguments):
        calls.append(arguments)
        raise Stopped(signal.SIGTERM)

    calls = []
    monkeypatch.setattr(development, "run_module", stopped)
    result = CliRunner().invoke(app, [command])
    assert result.exit_code == 143 and len(calls) == 1
    assert result.stderr == f"{command}: stopped, and what it had started has ended\n"


@pytest.mark.parametrize("failing", ["pytest", "benchmarks"])
def test_it_fails_where_either_fails(called, failing):
    called[1][failing] = 3
    result = CliRunner().invoke(app, ["test-gpu", "--device", "cpu"])
    assert result.exit_code == 3 and "FAILED" in result.stdout and len(called[0]) == 2


def test_the_benchmarks_of_a_device_run_on_the_cpu(monkeypatch, capsys):
    def once(*candidates, rounds):
        for candidate in candidates:
            candidate()
        return [0.5 for _ in candidates]

    monkeypatch.setattr(of_device, "alternate", once)
    monkeypatch.setattr(of_device, "TASKS", ("flat-final-single",))
    assert main(["--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for start, share in (("A^H A, 256x256, 8 coils, line mask", "GB/s"), ("a step of flat-final-single", "steps/s")):
        assert any(line.startswith(start) and share in line for line in lines), lines
    assert any(line.startswith("its data, made on cpu") and "met" in line for line in lines)
    assert main(["nothing"]) == 2
