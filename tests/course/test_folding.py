"""Folded cells have their source hidden in JupyterLab, others have not."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mrilab.course import folding
from mrilab.course.folding import FOLDS, hide_folded

HIDDEN = {"jupyter": {"source_hidden": True}}


def notebook(*metadata):
    return new_notebook(cells=[new_code_cell("x", metadata=each, id=f"c{n}") for n, each in enumerate(metadata)])


@pytest.mark.parametrize("tag", FOLDS)
def test_a_folded_cell_is_hidden_and_keeps_its_other_metadata(tag):
    lesson = notebook({"tags": ["core", tag], "own": 1, "jupyter": {"outputs_hidden": True}})
    assert hide_folded(lesson) == 1
    jupyter = {"outputs_hidden": True, "source_hidden": True}
    assert lesson.cells[0].metadata == {"tags": ["core", tag], "own": 1, "jupyter": jupyter}
    assert hide_folded(lesson) == 0
    nbformat.validate(lesson)


def test_other_cells_are_not_hidden():
    lesson = notebook({}, {"tags": ["core"], **HIDDEN}, {"jupyter": {"source_hidden": False}})
    lesson.cells.append(new_markdown_cell("text", metadata={"tags": ["fold"]}))
    assert hide_folded(lesson) == 1
    assert [cell.metadata for cell in lesson.cells[:2]] == [{}, {"tags": ["core"]}]
    assert lesson.cells[3].metadata == {"tags": ["fold"]}


def test_the_command_writes_metadata_only_and_only_where_it_must(tmp_path, monkeypatch, capsys):
    paths = [tmp_path / "00_a.ipynb", tmp_path / "01_b.ipynb"]
    nbformat.write(notebook({"tags": ["fold"]}, {}), paths[0])
    nbformat.write(notebook({}), paths[1])
    before = paths[1].stat().st_mtime_ns
    monkeypatch.setattr(folding, "find_lessons", lambda: paths)
    folding.main()
    assert capsys.readouterr().out == "00_a: cells changed: 1\n01_b: cells changed: 0\n"
    assert paths[1].stat().st_mtime_ns == before
    expected = notebook({"tags": ["fold"], **HIDDEN}, {})
    assert nbformat.read(paths[0], as_version=4) == expected
