"""Is this machine ready for the course? One finding a line, each with how to mend it."""

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
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mrilab.errors import UserError
from mrilab.machine import device_name
from mrilab.paths import CHECKPOINTS, NOTEBOOKS, ROOT

MEMORY_GB = 4  # what the lessons' kernels and their page need together
DISK_GB = 2  # what the embedded data, executed lessons and checkpoints need


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was seen, and what to do; `mend` is empty if nothing need be done."""

    what: str
    seen: str
    mend: str = ""

    @property
    def ok(self) -> bool:
        return not self.mend

    def __str__(self) -> str:
        line = f"{self.what}: {self.seen}"
        return f"OK       {line}" if self.ok else f"MISSING  {line}\n         -> {self.mend}"


def check_all(root: Path = ROOT) -> Iterator[Finding]:
    """Yield every finding, one by one."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield check_python(project["requires-python"])
    yield check_packages(project["dependencies"])
    unused = "; Apple's GPU (mps) is not used" if torch.backends.mps.is_available() else ""
    yield Finding("device", device_name() + unused)
    yield check_room("memory available", psutil.virtual_memory().available, MEMORY_GB, "close other programs")
    yield check_room("disk free", shutil.disk_usage(root).free, DISK_GB, "make room on this disk")
    yield check_data()
    yield check_checkpoints(CHECKPOINTS)
    yield check_notebooks(NOTEBOOKS)
    yield check_kernel(NOTEBOOKS)


def check_python(needed: str) -> Finding:
    """Hold this interpreter against `requires-python`."""
    python = ".".join(map(str, sys.version_info[:3]))
    fits = SpecifierSet(needed).contains(python, prereleases=True)
    return Finding("python", python, "" if fits else f"install Python {needed}, remove .venv, run make again")


def check_packages(requirements: list[str]) -> Finding:
    """Hold installed versions against the ranges of pyproject.toml."""
    wrong = []
    for requirement in map(Requirement, requirements):
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} (not installed)")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement} (found {installed})")
    if wrong:
        return Finding("packages", ", ".join(wrong), "run `make check`, which installs requirements.lock first")
    return Finding("packages", f"{len(requirements)} in range, torch {version('torch')}")


def check_room(what: str, available: int, needed_gb: float, advice: str) -> Finding:
    """Hold an amount of bytes against what the course needs."""
    enough = available >= needed_gb * 2**30
    return Finding(what, f"{available / 2**30:.1f} GB", "" if enough else f"{advice}: the course needs {needed_gb} GB")


def check_data() -> Finding:
    """Look whether the embedded scans are there and made by this code, without building them."""
    from mrilab.data.embedded import embedded_folder, up_to_date
    from mrilab.data.recipes import RECIPES

    absent = [name for name in RECIPES if up_to_date(embedded_folder() / name) is None]
    if absent:
        return Finding("embedded data", f"to be built: {', '.join(absent)}", "run `mrilab data build` or `make course`")
    return Finding("embedded data", f"{len(RECIPES)} data sets built and up to date")


def check_checkpoints(folder: Path) -> Finding:
    """Hold each NAME.safetensors against the sha256 in its card, NAME.json."""
    names = sorted({path.stem for kind in ("*.json", "*.safetensors") for path in folder.glob(kind)})
    for name in names:
        card, weights = folder / f"{name}.json", folder / f"{name}.safetensors"
        if not card.is_file():
            return Finding("checkpoints", f"no card beside {weights.name}", "add the card or remove the file")
        mend = "get it again: git checkout -- data/checkpoints"
        if not weights.is_file():
            return Finding("checkpoints", f"{weights.name} is missing", mend)
        if hashlib.sha256(weights.read_bytes()).hexdigest() != json.loads(card.read_text(encoding="utf-8"))["sha256"]:
            return Finding("checkpoints", f"{weights.name} is not the file that its card describes", mend)
    return Finding("checkpoints", f"{len(names)} present and intact" if names else "none needed by the lessons so far")


def check_notebooks(folder: Path) -> Finding:
    """Look whether the lessons are there."""
    if names := sorted(path.stem for path in folder.glob("*.ipynb")):
        return Finding("lessons", ", ".join(names))
    return Finding("lessons", f"none in {folder}", "clone the repository and run mrilab there")


def check_kernel(folder: Path) -> Finding:
    """Look whether the kernels of the lessons would import this package."""
    from mrilab.course.kernel import same_package

    try:
        same_package(folder)
        return Finding("kernel", "imports this copy of mrilab")
    except UserError as error:
        seen, _, mend = str(error).rpartition("; ")
        return Finding("kernel", seen, mend)
