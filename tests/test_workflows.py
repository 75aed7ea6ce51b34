"""The workflows call commands that exist: make targets, mrilab commands, and the versions of Python that we support."""

import re
import shlex

import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet
from test_pins import PROJECT

from mrilab.cli import app
from mrilab.paths import ROOT

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}
JOBS = {f"{name}-{job}": value for name, workflow in WORKFLOWS.items() for job, value in workflow["jobs"].items()}
TARGETS = re.findall(r"^([\w -]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
COMMANDS = set(typer.main.get_command(app).commands)


def commands(job) -> list[list[str]]:
    return [shlex.split(step["run"]) for step in job["steps"] if "run" in step]


def test_there_is_one_for_cpus_and_one_for_a_gpu():
    assert set(WORKFLOWS) == {"ci", "gpu"}
    (job,) = WORKFLOWS["gpu"]["jobs"].values()
    assert job["runs-on"] == ["self-hosted", "gpu"] and ["make", "test-gpu", "PYTHON=python3"] in commands(job)
    systems = WORKFLOWS["ci"]["jobs"]["unix"]["strategy"]["matrix"]["os"]
    assert {name.split("-")[0] for name in systems} == {"ubuntu", "macos"}
    assert WORKFLOWS["ci"]["jobs"]["windows"]["runs-on"] == "windows-latest"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_it_may_do_little_and_does_not_run_twice(workflow):
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    assert "concurrency" in WORKFLOWS[workflow]
    assert True in WORKFLOWS[workflow], "the key `on`, which YAML reads as a truth value"


@pytest.mark.parametrize("name", JOBS)
def test_what_it_calls_exists(name):
    called = 0
    for words in commands(JOBS[name]):
        if words[0] == "make":
            assert words[1] in " ".join(TARGETS).split()
            called += 1
        elif words[1:3] == ["-m", "mrilab"]:
            assert words[3] in COMMANDS
            called += 1
        else:
            assert words[1:3] in (["-m", "pip"], ["-m", "venv"])
            for number, word in enumerate(words):
                if word in ("-c", "-r"):
                    assert (ROOT / words[number + 1]).is_file()
    assert called and JOBS[name]["timeout-minutes"]


@pytest.mark.parametrize("name", [name for name in JOBS if name.startswith("ci")])
def test_the_versions_of_python_are_supported(name):
    versions = JOBS[name]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.13"] and all(v in SpecifierSet(PROJECT["requires-python"]) for v in versions)


def test_make_targets_are_commands_of_mrilab():
    """So that machines without make can do the same."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert set(phony) - {"clean"} <= COMMANDS
