"""Imports run one way: the ground in its order, then the papers in theirs, then the course and the commands."""

import ast

import pytest

from mrilab.papers import PAPERS
from mrilab.paths import ROOT

GROUND = ("physics", "anatomy", "data", "nets", "methods", "training", "evaluation", "teach")
LAYERS = [*GROUND, *PAPERS, "course", "commands"]
ANYWHERE = {("data", "atomic")}  # how files are written; imports nothing of ours but the error
FACE = {("data", "scans"), ("evaluation", "reconstruct")}
FILES = sorted((ROOT / "mrilab").rglob("*.py"))


def imported(path):
    """(package, module) pairs that a file imports from mrilab, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "mrilab" and len(parts) > 1 and parts[1] in LAYERS:
                yield parts[1], parts[2] if len(parts) > 2 else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_layer_and_those_below(path):
    package = path.relative_to(ROOT / "mrilab").parts[0]
    if package == "__init__.py":  # the package's face, which hands names on when somebody asks
        upwards = [pair for pair in imported(path) if pair not in FACE]
    elif package not in LAYERS:
        upwards = [pair for pair in imported(path) if pair[0] != "commands"]  # errors, paths, machine, papers; cli
    else:
        height = LAYERS.index(package)
        upwards = [pair for pair in imported(path) if LAYERS.index(pair[0]) > height and pair not in ANYWHERE]
        if package == "commands":  # the course they may know, a paper never
            upwards += [pair for pair in imported(path) if pair[0] in PAPERS]
    assert upwards == []


def test_baselines_and_csgm_do_not_know_each_other():
    pairs = {(path.relative_to(ROOT / "mrilab").parts[0], pair[0]) for path in FILES for pair in imported(path)}
    assert not pairs & {("baselines", "csgm"), ("csgm", "baselines")}


def test_the_layers_are_the_packages():
    assert {path.parent.name for path in (ROOT / "mrilab").glob("*/__init__.py")} == set(LAYERS)
