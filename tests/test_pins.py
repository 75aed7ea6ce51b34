"""pyproject.toml (ranges), both locks (exact pins) and environment.yml (for conda) are in step."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mrilab.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
COURSE = [Requirement(line) for line in PROJECT["dependencies"] + EXTRAS["formats"]]
TOOLS = [Requirement(line) for line in EXTRAS["test"] + EXTRAS["bench"]]


def pins(lines) -> dict[str, Version]:
    split = [re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line) for line in lines]
    assert all(split), [line for line, match in zip(lines, split, strict=True) if not match]
    found = {canonicalize_name(match[1]): Version(match[2]) for match in split}
    assert len(found) == len(lines), "a package is pinned twice"
    return found


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())
DEV = pins((ROOT / "requirements-dev.lock").read_text().splitlines())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


@pytest.mark.parametrize("requirement", COURSE, ids=str)
def test_lock_satisfies_the_ranges(requirement):
    assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", TOOLS, ids=str)
def test_both_locks_together_satisfy_the_ranges_of_the_tools(requirement):
    assert (LOCK | DEV)[canonicalize_name(requirement.name)] in requirement.specifier


def test_a_package_is_pinned_once():
    assert not LOCK.keys() & DEV.keys()


def test_torch_is_pinned_without_a_local_build_tag():
    assert str(LOCK["torch"]) == "2.13.0"


@pytest.mark.skipif(
    sys.platform != "linux", reason="the lock is that of Linux; other systems need a package or two more"
)
def test_the_locks_hold_what_is_needed_and_nothing_else():
    """What the locked packages need is locked too, so that an installation in a year gets the same versions.

    A learner's lock has nothing that only tests and benchmarks need.
    """
    learner = closure(COURSE)
    assert learner == LOCK.keys()
    assert closure(COURSE + TOOLS) - learner == DEV.keys()


def closure(requirements):
    """The names of these packages and of all that they need on this machine.

    Except torch's GPU libraries, which it asks for on some machines only and pins exactly itself.
    """
    found, todo = set(), list(requirements)
    while todo:
        needed = todo.pop()
        name = canonicalize_name(needed.name)
        if (name, *needed.extras) in found:
            continue
        found.add((name, *needed.extras))
        for line in distribution(name).requires or []:
            other = Requirement(line)
            of_the_gpu = name == "torch" and other.name.startswith(("nvidia", "cuda", "triton"))
            extras = ("", *needed.extras)
            if not of_the_gpu and (other.marker is None or any(other.marker.evaluate({"extra": e}) for e in extras)):
                todo.append(other)
    return {name for name, *_ in found}


def test_conda_has_the_same_pins_and_python():
    (pip_section,) = [entry["pip"] for entry in CONDA if isinstance(entry, dict)]
    conda = pins([line for line in pip_section if line != "-e ."])
    assert conda == {name: LOCK[name] for name in {canonicalize_name(r.name) for r in COURSE}}
    (python,) = [entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python=")]
    assert Version(python.partition("=")[2]) in Requirement(f"python{PROJECT['requires-python']}").specifier


@pytest.mark.parametrize("path", sorted((ROOT / "mrilab").rglob("*.py")), ids=lambda path: path.stem)
def test_the_package_imports_no_tool(path):
    """So that the course, the lab and the command line run without them."""
    tools = {name for name in DEV if name not in ("ast-serialize", "mypy-extensions")} | {"_pytest", "xdist"}
    imported = {name.partition(".")[0] for name in imports(path)}
    assert not imported & tools


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", ["course", "lab", "check", "test", "bench"])
def test_make_installs_the_tools_only_where_they_are_needed(target, tmp_path):
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "-r requirements.lock" in done.stdout and f"-m mrilab {target}" in done.stdout
    assert ("-r requirements-dev.lock" in done.stdout) == (target in ("test", "bench"))


def test_contributing_lists_what_a_gpu_image_may_lack():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## GPU runner")[2].partition("## ")[0]
    listed = {name for row in table.splitlines() if row.startswith("| ") for name in re.findall(r"[\w-]+", row)}
    for line in PROJECT["dependencies"]:
        assert Requirement(line).name in listed | {"torch", "numpy"}
