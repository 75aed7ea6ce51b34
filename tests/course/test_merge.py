"""The three-way merge of a lesson's new version into a learner's copy, cell by cell."""

import random

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mrilab.course.merge import BESIDE, NOTE, fingerprints, merge


def cell(key, source=None, **metadata):
    return new_code_cell(source or f"{key} = 1", id=key, metadata=metadata)


def lesson(*cells, **metadata):
    return new_notebook(cells=[cell(each) if isinstance(each, str) else each for each in cells], metadata=metadata)


def merged(base, mine, theirs):
    notebook, fates = merge(fingerprints(base), mine, theirs)
    return [(each.id, each.source) for each in notebook.cells], dict(fates)


def ids(base, mine, theirs):
    return [key for key, _ in merged(base, mine, theirs)[0]]


def test_what_the_learner_left_alone_follows_the_new_version():
    base, theirs = lesson("a", "b"), lesson("a", cell("b", "b = 2"), "c")
    assert merged(base, base, theirs) == ([("a", "a = 1"), ("b", "b = 2"), ("c", "c = 1")], {"new": 2})


def test_cells_that_the_lesson_drops_go_unless_they_were_changed():
    base, theirs = lesson("a", "b", "c"), lesson("a")
    mine = lesson("a", cell("b", "b = 'mine'"), "c")
    assert merged(base, mine, theirs) == ([("a", "a = 1"), ("b", "b = 'mine'")], {"kept": 1, "removed": 1})


def test_a_changed_cell_stays_and_a_new_version_of_it_stands_below():
    base, mine, theirs = lesson("a", "b"), lesson(cell("a", "a = 'mine'"), "b"), lesson(cell("a", "a = 2"), "b")
    notebook, fates = merge(fingerprints(base), mine, theirs)
    first, beside, last = notebook.cells
    assert (first.id, first.source, last.id) == ("a", "a = 'mine'", "b") and fates == {"kept": 1, "beside": 1}
    assert beside.cell_type == "markdown" and beside.metadata.tags == [BESIDE]
    assert beside.source == f"{NOTE}\n\n```python\na = 2\n```"

    again, fates = merge(fingerprints(theirs), notebook, theirs)  # the same version once more changes nothing
    assert again == notebook and fates == {"kept": 1}
    newer = lesson(cell("a", "a = 3"), "b")
    third, _ = merge(fingerprints(theirs), again, newer)  # a newer one takes the place of the one below
    assert [each.id for each in third.cells] == [each.id for each in notebook.cells]
    assert "a = 3" in third.cells[1].source and "a = 2" not in third.cells[1].source
    agreed = lesson(cell("a", "a = 'mine'"), "b")
    fourth, fates = merge(fingerprints(newer), lesson(*third.cells[::2]), agreed)  # the note was read and deleted
    assert fourth.cells == agreed.cells and not fates


def test_text_and_code_with_fences_are_shown_whole_beside():
    text = new_markdown_cell("# New\n\n```\ncode\n```", id="a")
    base, mine = lesson(new_markdown_cell("# Old", id="a")), lesson(new_markdown_cell("# Mine", id="a"))
    assert merged(base, mine, lesson(text))[0][1][1] == f"{NOTE}\n\n{text.source}"
    fenced = cell("a", "print('''```''')")
    source = merged(lesson("a"), lesson(cell("a", "0")), lesson(fenced))[0][1][1]
    assert source.endswith("````python\nprint('''```''')\n````")


def test_only_the_learners_change_leaves_nothing_beside():
    base = lesson("a", "b")
    mine = lesson("a", cell("b", "b = 'mine'"))
    assert merged(base, mine, base) == ([("a", "a = 1"), ("b", "b = 'mine'")], {"kept": 1})


def test_added_cells_stay_behind_the_cell_that_they_followed():
    base = lesson("a", "b", "c")
    mine = lesson("top", "a", "x", "y", "b", "c", "end")
    assert ids(base, mine, lesson("a", "n", "b", "c", "m")) == ["top", "a", "x", "y", "n", "b", "c", "end", "m"]
    assert ids(base, mine, lesson("b", "c", "a")) == ["top", "b", "c", "end", "a", "x", "y"]  # the lesson moved a cell
    assert ids(base, mine, lesson("b", "c")) == ["top", "x", "y", "b", "c", "end"]  # the cell before is gone


def test_deleted_cells_stay_deleted_and_moved_cells_moved():
    base = lesson("a", "b", "c", "d")
    assert ids(base, lesson("a", "c", "d"), lesson("a", cell("b", "b = 2"), "c", "d")) == ["a", "c", "d"]
    assert ids(base, lesson("d", "c", "b", "a"), lesson("a", "b", "n", "c", "d")) == ["d", "c", "b", "n", "a"]


def test_a_cell_of_another_kind_is_a_changed_cell():
    base, theirs = lesson("a"), lesson(cell("a", "a = 2"))
    mine = lesson(new_markdown_cell("a = 1", id="a"))
    assert merged(base, mine, theirs)[1] == {"kept": 1, "beside": 1}


def test_outputs_are_the_learners_and_metadata_the_lessons():
    printed = new_output("stream", name="stdout", text="mine\n")
    mine = lesson(cell("a"), own="kept", mrilab={"measured": {}})
    mine.cells[0].outputs, mine.cells[0].execution_count = [printed], 7
    theirs = lesson(cell("a", tags=["fold"]), mrilab={"measured": {"smoke": 1}})
    notebook, fates = merge(fingerprints(lesson("a")), mine, theirs)
    assert notebook.cells[0].outputs == [printed] and notebook.cells[0].execution_count == 7
    assert notebook.cells[0].metadata == {"tags": ["fold"]} and not fates
    assert notebook.metadata == {"own": "kept", "mrilab": {"measured": {"smoke": 1}}}
    assert mine.metadata.mrilab == {"measured": {}} and mine.cells[0].metadata == {}, "the arguments are left alone"


@pytest.mark.parametrize("seed", range(200))
def test_nothing_that_the_learner_wrote_is_lost_whatever_both_did(seed):
    """Random edits on both sides: every cell of the learner's own making is in the result, once, and ids are unique."""
    draw = random.Random(seed)
    base = lesson(*"abcdefgh")
    mine, theirs = (edited(base, draw, side) for side in ("mine", "theirs"))
    notebook, _ = merge(fingerprints(base), mine, theirs)
    found = [each.id for each in notebook.cells]
    assert len(found) == len(set(found))
    sources = [each.source for each in notebook.cells]
    for each in mine.cells:
        if "mine" in each.source:
            assert sources.count(each.source) == 1
    for each in theirs.cells:
        if "theirs" in each.source and each.id not in fingerprints(base):
            assert each.source in sources
    second, _ = merge(fingerprints(theirs), notebook, theirs)
    assert second == notebook, "a second update with the same version changes nothing"


def edited(base, draw, side):
    cells = []
    for each in base.cells:
        fate = draw.choice(["same", "same", "changed", "gone", "followed"])
        if fate != "gone":
            cells.append(cell(each.id, f"{each.id} = '{side}'") if fate == "changed" else cell(each.id))
        if fate == "followed":
            cells.append(cell(f"{side}-{each.id}", f"'{side} after {each.id}'"))
    if draw.random() < 0.3:
        draw.shuffle(cells)
    return lesson(*cells)
