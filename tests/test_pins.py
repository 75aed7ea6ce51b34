"""pyproject.toml (ranges), requirements.lock (exact pins) and environment.yml (for conda) are in step."""

import re
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
COURSE_AND_TESTS = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]]


def pins(lines) -> dict[str, Version]:
    split = [re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line) for line in lines]
    assert all(split), [line for line, match in zip(lines, split, strict=True) if not match]
    found = {canonicalize_name(match[1]): Version(match[2]) for match in split}
    assert len(found) == len(lines), "a package is pinned twice"
    return found


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


@pytest.mark.parametrize("requirement", COURSE_AND_TESTS, ids=str)
def test_lock_satisfies_the_ranges(requirement):
    assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


def test_torch_is_pinned_without_a_local_build_tag():
    assert str(LOCK["torch"]) == "2.13.0"


@pytest.mark.skipif(
    sys.platform != "linux", reason="the lock is that of Linux; other systems need a package or two more"
)
def test_lock_is_complete_on_this_machine():
    """What the locked packages need is locked too, so that an installation in a year gets the same versions.

    Except torch's GPU libraries, which it asks for on some machines only and pins exactly itself.
    """
    missing = {}
    for name in LOCK:
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            of_the_gpu = name == "torch" and needed.name.startswith(("nvidia", "cuda", "triton"))
            if not of_the_gpu and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
                if canonicalize_name(needed.name) not in LOCK:
                    missing.setdefault(name, []).append(needed.name)
    assert not missing


def test_conda_has_the_same_pins_and_python():
    (pip_section,) = [entry["pip"] for entry in CONDA if isinstance(entry, dict)]
    conda = pins([line for line in pip_section if line != "-e ."])
    assert conda == {name: LOCK[name] for name in {canonicalize_name(r.name) for r in COURSE_AND_TESTS}}
    (python,) = [entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python=")]
    assert Version(python.partition("=")[2]) in Requirement(f"python{PROJECT['requires-python']}").specifier


@pytest.mark.parametrize("extra", ["bench", "formats"])
def test_an_extra_is_covered_by_the_lock(extra):
    for line in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(line)
        assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


def test_contributing_lists_what_a_gpu_image_may_lack():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## GPU runner")[2].partition("## ")[0]
    listed = {name for row in table.splitlines() if row.startswith("| ") for name in re.findall(r"[\w-]+", row)}
    for line in PROJECT["dependencies"]:
        assert Requirement(line).name in listed | {"torch", "numpy"}
