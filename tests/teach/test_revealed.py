"""Answers that a reader opens stay closed on the page: an empty line inside would end the HTML there."""

import re

import nbformat
import pytest

from mrilab.paths import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_answer_is_one_block_of_html_without_markdown(path):
    for cell in nbformat.read(path, 4).cells:
        for answer in DETAILS.findall(cell.source) if cell.cell_type == "markdown" else ():
            assert "\n\n" not in answer and not re.search(r"[$`]|\*\*", answer), answer
            assert answer.startswith("<details><summary>") and "<p>" in answer, answer
