"""Each paper's face maps the numbered equations of its lessons to names that exist."""

import importlib
import re

import nbformat
import pytest

from mrilab.papers import LESSONS
from mrilab.paths import NOTEBOOKS

TAG = re.compile(r"\\tag\{([^}]*)\}")
ROW = re.compile(r"^ +\((\d+(?:, \d+)*)\) {2,}(\S.*?) {2,}([\w.]+)$", re.MULTILINE)  # numbers, what it is, name
TAUGHT = sorted({paper for paper, _ in LESSONS.values()})


def numbers(texts):
    return [int(number) for text in texts for number in text.split(", ")]


def equations(paper):
    """The numbers of the displayed equations in the lessons of a paper."""
    found = []
    for lesson in [key for key, (name, _) in LESSONS.items() if name == paper]:
        (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        found += numbers(tag for cell in cells if cell.cell_type == "markdown" for tag in TAG.findall(cell.source))
    return found


def resolve(paper, path):
    """What `path` names: in the paper's folder or, where it lies in the ground, in `mrilab`."""
    module, *names = path.split(".")
    for parent in (f"mrilab.{paper}", f"mrilab.{module}"):
        name = module if parent.endswith(paper) else names[0]
        if importlib.util.find_spec(f"{parent}.{name}"):
            thing = importlib.import_module(f"{parent}.{name}")
            for attribute in names if name == module else names[1:]:
                thing = getattr(thing, attribute)
            return thing
    raise ImportError(f"there is no {path} in mrilab/{paper} or in mrilab")


@pytest.mark.parametrize("paper", TAUGHT)
def test_a_face_lists_every_numbered_equation_of_its_lessons(paper):
    listed = numbers(row[0] for row in ROW.findall(importlib.import_module(f"mrilab.{paper}").__doc__))
    assert len(listed) == len(set(listed)), "an equation is listed twice"
    in_lessons = equations(paper)
    assert in_lessons == list(range(1, len(in_lessons) + 1)), "the lesson's numbers have a gap, or are out of order"
    assert sorted(listed) == in_lessons and in_lessons


@pytest.mark.parametrize("paper", TAUGHT)
def test_every_name_in_a_face_exists(paper):
    for _, _, path in ROW.findall(importlib.import_module(f"mrilab.{paper}").__doc__):
        assert callable(resolve(paper, path)), path
