"""Is this machine ready for the course? One finding a line, each with how to mend it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mrilab.machine import device_name
from mrilab.paths import CHECKPOINTS, NOTEBOOKS, ROOT

MEMORY_GB = 4  # what the lessons' kernels and their page need together
DISK_GB = 2  # embedded data, executed lessons, checkpoints


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `mend` says what to do; empty if nothing need be done."""

    what: str
    seen: str
    mend: str = ""

    @property
    def ok(self) -> bool:
        return not self.mend

    def __str__(self) -> str:
        line = f"{'OK     ' if self.ok else 'MISSING'}  {self.what}: {self.seen}"
        return line if self.ok else f"{line}\n         -> {self.mend}"


def check_all(root: Path = ROOT) -> Iterator[Finding]:
    """Every finding, one by one."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield check_python(project["requires-python"])
    yield check_packages(project["dependencies"])
    yield Finding("device", device_name())
    yield check_room("memory available", psutil.virtual_memory().available, MEMORY_GB, "close other programs")
    yield check_room("disk free", shutil.disk_usage(root).free, DISK_GB, "make room on this disk")
    yield check_data()
    yield check_checkpoints(CHECKPOINTS)
    yield check_notebooks(NOTEBOOKS)


def check_python(needed: str) -> Finding:
    """This interpreter against `requires-python`."""
    found = ".".join(map(str, sys.version_info[:3]))
    fits = SpecifierSet(needed).contains(found, prereleases=True)
    return Finding("python", found, "" if fits else f"install Python {needed}, remove .venv, run make again")


def check_packages(requirements: list[str]) -> Finding:
    """Installed versions against the ranges of pyproject.toml."""
    wrong = []
    for requirement in map(Requirement, requirements):
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} (not installed)")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement} (found {found})")
    if wrong:
        return Finding("packages", ", ".join(wrong), "run `make check`, which installs requirements.lock first")
    return Finding("packages", f"{len(requirements)} in range, torch {version('torch')}")


def check_room(what: str, bytes_: int, needed_gb: float, advice: str) -> Finding:
    """An amount of bytes against what the course needs."""
    gigabytes = bytes_ / 2**30
    seen = f"{gigabytes:.1f} GB"
    return Finding(what, seen, "" if gigabytes >= needed_gb else f"{advice}: the course needs {needed_gb} GB")


def check_data() -> Finding:
    """Are the embedded scans there and made by this code?"""
    from mrilab.data.embedded import embedded_folder, up_to_date  # checking must not build
    from mrilab.data.recipes import RECIPES

    absent = [name for name in RECIPES if up_to_date(embedded_folder() / name) is None]
    if absent:
        mend = "run `mrilab data build`; `make course` does so itself"
        return Finding("embedded data", f"to be built: {', '.join(absent)}", mend)
    return Finding("embedded data", f"{len(RECIPES)} data sets built and up to date")


def check_checkpoints(folder: Path) -> Finding:
    """Every card NAME.json names the sha256 of NAME.safetensors beside it."""
    cards = sorted(folder.glob("*.json"))
    weights = sorted(folder.glob("*.safetensors"))
    if not cards and not weights:
        return Finding("checkpoints", "none needed by the lessons so far")
    mend = "get it again: git checkout -- data/checkpoints"
    for card in cards:
        file = card.with_suffix(".safetensors")
        if not file.is_file():
            return Finding("checkpoints", f"{file.name} is missing", mend)
        if hashlib.sha256(file.read_bytes()).hexdigest() != json.loads(card.read_text())["sha256"]:
            return Finding("checkpoints", f"{file.name} is not the file that its card describes", mend)
    without = [file.name for file in weights if not file.with_suffix(".json").is_file()]
    if without:
        return Finding("checkpoints", f"no card beside {', '.join(without)}", "add the card or remove the file")
    return Finding("checkpoints", f"{len(cards)} present and intact")


def check_notebooks(folder: Path) -> Finding:
    """Are the lessons there?"""
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        return Finding("lessons", f"none in {folder}", "clone the repository and run mrilab there")
    return Finding("lessons", ", ".join(path.stem for path in found))
