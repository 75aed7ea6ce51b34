"""What the lessons promise their readers, beyond the rules for all notebooks: checked on the files."""

import ast
import builtins
import re

import nbformat
import pytest

from mrilab.evaluation.claims import read_claims
from mrilab.paths import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
GIVEN = {*dir(builtins), "display"}


def is_core(cell):
    return {"core", "parameters"} & set(cell.metadata.get("tags", []))


def undefined_names(sources):
    """Names that a cell uses and no cell before it (nor itself) has assigned, imported or defined."""
    known, missing = set(GIVEN), set()
    for source in sources:
        nodes = list(ast.walk(ast.parse(source)))
        for node in nodes:
            if isinstance(node, ast.alias):
                known.add((node.asname or node.name).split(".")[0])
            elif isinstance(node, ast.FunctionDef | ast.Lambda):
                known |= {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
                known.add(getattr(node, "name", ""))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
        missing |= {node.id for node in nodes if isinstance(node, ast.Name)} - known
    return missing


def test_the_finder_finds():
    assert undefined_names(["import a.b as c", "d = [e for e in c]", "def f(g): return g + d + h"]) == {"h"}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_core_path_needs_no_optional_cell(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code" and is_core(cell)]
    assert undefined_names(cell.source for cell in cells) == set()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_section_says_whether_it_is_core(path):
    for cell in nbformat.read(path, 4).cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("## ") and line != "## References":
                assert ("● core" in line) == bool(is_core(cell)) != ("○" in line), line


FIRST = [path for path in LESSONS if path.stem in ("00_start_here", "01_mri_physics")]
SECTION = re.compile(r"^## (\d+\.\d+b?) .*○", re.MULTILINE)


@pytest.mark.parametrize("path", FIRST, ids=lambda path: path.stem)
def test_core_text_needs_no_optional_section(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
    optional = {name for cell in cells for name in SECTION.findall(cell.source)}
    tags = {tag for cell in cells if not is_core(cell) for tag in re.findall(r"\\tag\{(\d+)\}", cell.source)}
    for cell in cells:
        if is_core(cell) and "header-card" not in cell.metadata["tags"]:
            assert not optional & set(re.findall(r"\b\d+\.\d+b?\b", cell.source)), cell.source[:200]
            assert not tags & set(re.findall(r"equation \((\d+)\)", cell.source)), cell.source[:200]


def test_lesson_1_explains_in_core_what_its_core_sections_use():
    cells = [
        cell for cell in nbformat.read(NOTEBOOKS / "01_mri_physics.ipynb", 4).cells if cell.cell_type == "markdown"
    ]
    for term in ("**Zero-filled**", "**CG-SENSE**", "**L1-wavelet**", "**minimum-variance unbiased estimate**"):
        assert is_core(next(cell for cell in cells if term in cell.source)), term


def test_lesson_1_asks_questions_and_lets_learners_design():
    cells = nbformat.read(NOTEBOOKS / "01_mri_physics.ipynb", 4).cells
    assert sum("design" in cell.metadata.get("tags", []) for cell in cells) >= 2
    assert sum("<details><summary>Answer" in cell.source for cell in cells) >= 10
    for guess, answer in (("energy", "central = energy"), ("lesion", "spoilt = {")):
        place = {
            key: n for n, cell in enumerate(cells) for key in (f'"{guess}", my_guess', answer) if key in cell.source
        }
        assert place[f'"{guess}", my_guess'] < place[answer], "the answer stands before the question"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_widgets_have_a_storyboard(path):
    cells = nbformat.read(path, 4).cells
    for number, cell in enumerate(cells):
        if "widget" in cell.metadata.get("tags", []):
            follower = cells[number + 1]
            assert any("image/png" in output.get("data", {}) for output in follower.outputs), cell.source


@pytest.mark.parametrize("path", sorted((NOTEBOOKS / "claims").glob("*.toml")), ids=lambda path: path.stem)
def test_declared_claims_belong_to_a_lesson(path):
    assert read_claims(path)
    lesson, *part = path.stem.split(".")  # LESSON.toml, or LESSON.PART.toml for a part with a table of its own
    assert (NOTEBOOKS / f"{lesson}.ipynb").is_file() and len(part) <= 1
