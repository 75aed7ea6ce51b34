"""Copies of the lessons in a learner's folder: made where missing, updated, reset, and without solutions."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mrilab.course.copies import WITHHELD, is_student, make_copies, outdated, reset_copy, update_copy
from mrilab.errors import UserError

QUESTION = "Which is larger?\n\n<details><summary>Answer</summary>\n\nThe **second**.\n</details>\n\nGo on."


def write(path, source="x = 1"):
    shown = [new_output("stream", name="stdout", text="the answer is b\n")]
    code = new_code_cell(source, id="code", outputs=shown, execution_count=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell(QUESTION, id="text"), code]), path)
    return path


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def originals(tmp_path):
    """Two lessons in a folder of their own, with what lies beside them."""
    lessons = tmp_path / "notebooks"
    (lessons / "claims").mkdir(parents=True)
    (lessons / "claims" / "00_a.toml").write_text("one")
    (lessons / "coil.png").write_bytes(b"picture")
    (lessons / ".ipynb_checkpoints").mkdir()
    (lessons / ".ipynb_checkpoints" / "old.txt").write_text("")
    return [write(lessons / "00_a.ipynb"), write(lessons / "01_b.ipynb")]


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def test_copies_are_made_where_missing_and_never_overwritten(originals, work):
    assert make_copies(originals, work) == ["00_a", "01_b"]
    assert read(work / "00_a.ipynb") == read(originals[0])
    write(work / "00_a.ipynb", "mine")
    (work / "01_b.ipynb").unlink()
    assert make_copies(originals, work) == ["01_b"]
    assert read(work / "00_a.ipynb").cells[1].source == "mine"


def test_what_lies_beside_the_lessons_lies_beside_the_copies_and_follows(originals, work):
    make_copies(originals, work)
    assert (work / "coil.png").read_bytes() == b"picture" and not (work / ".ipynb_checkpoints").exists()
    (originals[0].parent / "claims" / "00_a.toml").write_text("two")
    make_copies(originals, work)
    assert (work / "claims" / "00_a.toml").read_text() == "two"


def test_an_update_brings_the_new_version_and_keeps_the_learners_cells(originals, work):
    make_copies(originals, work)
    mine = read(work / "00_a.ipynb")
    mine.cells.append(new_code_cell("my own", id="own"))
    nbformat.write(mine, work / "00_a.ipynb")
    assert update_copy(originals[0], work) == {"own": 1} and outdated(originals, work) == []
    write(originals[0], "x = 2")
    assert outdated(originals, work) == ["00_a"]
    assert update_copy(originals[0], work) == {"new": 1, "own": 1} and outdated(originals, work) == []
    assert [each.source for each in read(work / "00_a.ipynb").cells] == [QUESTION, "x = 2", "my own"]
    assert read(originals[0]).cells[1].source == "x = 2", "the lesson itself is left alone"


def test_an_update_that_changes_nothing_does_not_write(originals, work):
    make_copies(originals, work)
    before = (work / "00_a.ipynb").stat().st_mtime_ns
    update_copy(originals[0], work)
    assert (work / "00_a.ipynb").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff\xfe\x00", b'{"nbformat": 9}', b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}'],
)
def test_a_copy_that_is_no_notebook_is_told_and_left_alone(originals, work, content):
    make_copies(originals, work)
    (work / "00_a.ipynb").write_bytes(content)
    with pytest.raises(
        UserError, match=r"00_a.ipynb cannot be read as a notebook; `mrilab reset 00_a` makes a new copy"
    ):
        update_copy(originals[0], work)
    assert (work / "00_a.ipynb").read_bytes() == content


def test_cells_without_ids_and_copies_of_unknown_origin_are_told(originals, work):
    make_copies(originals, work)
    old = read(work / "00_a.ipynb")
    old.nbformat_minor = 4
    for cell in old.cells:
        del cell["id"]
    nbformat.write(old, work / "00_a.ipynb")
    with pytest.raises(UserError, match="has cells without ids"):
        update_copy(originals[0], work)
    (work / ".mrilab" / "00_a.json").unlink()
    with pytest.raises(UserError, match="nobody noted from which version"):
        update_copy(originals[0], work)


def test_a_reset_keeps_the_old_copy_under_the_next_number(originals, work):
    assert reset_copy(originals[0], work) is None and read(work / "00_a.ipynb") == read(originals[0])
    for number in (1, 2):
        write(work / "00_a.ipynb", f"mine {number}")
        assert reset_copy(originals[0], work) == work / f"00_a.{number}.ipynb"
        assert read(work / f"00_a.{number}.ipynb").cells[1].source == f"mine {number}"
        assert read(work / "00_a.ipynb") == read(originals[0])
    assert update_copy(originals[0], work) == {}


def test_a_students_copies_have_no_outputs_and_no_answers(originals, work):
    make_copies(originals, work, student=True)
    text, code = read(work / "00_a.ipynb").cells
    assert text.source == f"Which is larger?\n\n{WITHHELD}\n\nGo on."
    assert (code.source, code.outputs, code.execution_count) == ("x = 1", [], None)
    assert read(originals[0]).cells[1].outputs, "the lesson itself keeps them"
    write(originals[0], "x = 2")
    update_copy(originals[0], work)
    reset_copy(originals[1], work)
    make_copies(originals, work)  # a folder that is a student's stays one
    for name in ("00_a", "01_b"):
        text, code = read(work / f"{name}.ipynb").cells
        assert "second" not in text.source and not code.outputs
    assert is_student(work) and read(work / "00_a.ipynb").cells[1].source == "x = 2"


def test_copies_with_solutions_do_not_become_a_students(originals, work):
    make_copies(originals, work)
    with pytest.raises(UserError, match="has copies with solutions; rename that folder"):
        make_copies(originals, work, student=True)
    assert not is_student(work)
