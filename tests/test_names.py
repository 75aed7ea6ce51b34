import os

import pytest

from mrilab.names import fitting, readable


def test_bytes_that_are_not_utf8_become_question_marks():
    assert readable(os.fsdecode(b"caf\xe9 \xff.h5")) == "caf? ?.h5"
    assert readable("뇌 스캔 ✓ 😀") == "뇌 스캔 ✓ 😀"


@pytest.mark.parametrize("letter", ["a", "é", "뇌", "😀", os.fsdecode(b"\xff")])
@pytest.mark.parametrize("count", [5, 60, 120, 243])
def test_a_name_is_cut_between_letters_and_only_where_it_must_be(letter, count):
    stem, ending = letter * count, "-l1-wavelet.png"
    name = fitting(stem, ending)
    assert name.endswith(ending) and set(name.removesuffix(ending)) == {letter}
    size = len(os.fsencode(name))
    if len(os.fsencode(stem + ending)) <= 255:
        assert name == stem + ending
    else:
        assert size <= 255 < size + len(os.fsencode(letter))


def test_a_name_that_fits_can_be_written(tmp_path):
    (tmp_path / fitting("뇌" * 200, "-x.png")).write_bytes(b"")
    assert len(list(tmp_path.iterdir())) == 1
