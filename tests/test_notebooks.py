"""Every lesson keeps to the rules and runs in the smoke profile under nbval; the guards themselves are tested."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval_runs import run_nbval
from notebook_rules import CAPTIONED, COMPARED, complaints

from mrilab.paths import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
CARD = "# A lesson\n\n| | |\n|---|---|\n| Measured run time and peak memory | |\n\nWith $x \\in \\mathbb{C}^n$."


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps_to_the_rules(path):
    assert complaints(path) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs_in_the_smoke_profile(path, tmp_path):
    code, printed = run_nbval(path, tmp_path)
    assert code == 0, printed


def text(source, printed, *tags, count=1):
    outputs = [new_output("stream", name="stdout", text=printed)] if printed else []
    return new_code_cell(source, outputs=outputs, execution_count=count, metadata={"tags": list(tags)})


def shown(data, *tags, **metadata):
    output = new_output("display_data", data=data, metadata=metadata)
    return new_code_cell("show()", outputs=[output], execution_count=1, metadata={"tags": list(tags)})


def notebook(path, *cells, card=CARD, parameters="profile = 'teach'  # smoke or teach"):
    head = [new_markdown_cell(card, metadata={"tags": ["header-card"]})] if card else []
    head += [new_code_cell(parameters, metadata={"tags": ["parameters"]})] if parameters else []
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[*head, *cells], metadata=kernel), path)
    return path


def test_a_good_notebook_gets_no_complaint(tmp_path):
    (tmp_path / "coil.png").touch()
    good = notebook(
        tmp_path / "good.ipynb",
        text("print('holds')", "holds\n", COMPARED),
        shown({"image/png": "aGk=", "text/plain": "<Figure>"}, **{"image/png": {"alt": "a curve"}}),
        new_markdown_cell("![a coil](coil.png) and https://example.org/home/page, a/tmp/b, $$a = b$$"),
        new_markdown_cell("[here](good.ipynb#two), [below](#two), [there](https://example.org/a.png), `x[0](y)`"),
    )
    assert complaints(good) == []


ERROR = new_output("error", ename="ValueError", evalue="x", traceback=["..."])
HIDDEN = new_code_cell("plot()", metadata={"jupyter": {"source_hidden": True}})
BAD = {
    "never executed": [text("print('holds')", "holds\n", COMPARED, count=None)],
    "has no output": [text("x = 1", "", COMPARED)],
    "shows more than text": [shown({"text/html": "<b>holds</b>", "text/plain": "holds"}, COMPARED)],
    "a machine or a profile changes": [text("f()", "PSNR 31.2 dB\n", COMPARED)],
    "prints what a machine": [shown({"text/plain": "<Figure size 640x480 with 1 Axes>"}, COMPARED)],
    "ends in ValueError": [new_code_cell("f()", outputs=[ERROR], execution_count=1)],
    "writes to stderr": [new_code_cell("f()", outputs=[new_output("stream", name="stderr", text="a warning")])],
    "stores a widget": [shown({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})],
    "cell 3 has 21 lines": [text("x = 1\n" * 21, ""), text("x", ""), text("x", "")],
    "8 lines in the median": [text("x = 1\n" * 8, ""), text("x = 1\n" * 8, "")],
    "figure of cell 3 has no alt text": [shown({"image/png": "aGk="})],
    "picture without alt text": [new_markdown_cell("![](coil.png)")],
    "<img> without alt text": [shown({"text/html": "<img src='data:,' alt=' '>"})],
    "'/home/ada'": [text("open('/home/ada/scan.h5')", "")],
    "'/Users/ada'": [text("print(path)", "/Users/ada/scan.h5\n")],
    "not understood by latex2mathml": [new_markdown_cell("$\\nosuchcommand x$")],
    "more than 2": [text("f()", "x" * (2 * 2**20))],
    "cell 3 is closed on the page but open": [text("plot()", "", "fold")],
    "cell 3 is open on the page but closed": [HIDDEN],
    "links to nowhere.ipynb, which": [new_markdown_cell("[next](nowhere.ipynb#one)")],
    "links to ../README.md, which": [new_markdown_cell("[readme](../README.md)")],
}


@pytest.mark.parametrize("complaint", BAD)
def test_each_rule_finds_what_breaks_it(tmp_path, complaint):
    (tmp_path / "coil.png").touch()
    found = complaints(notebook(tmp_path / "bad.ipynb", *BAD[complaint]))
    assert len(found) == 1 and complaint in found[0], found


@pytest.mark.parametrize(
    "head, complaint",
    [
        ({"card": None}, "0 cells are tagged header-card"),
        ({"card": "# A lesson"}, "no row for the measured run time"),
        ({"parameters": None}, "0 cells are tagged parameters"),
        ({"parameters": "profile = 'teach'"}, "'profile' has no comment"),
        ({"parameters": "profile = 'teach'  # smoke: quick; full: the same"}, "profile full is one of `mrilab train`"),
        ({"parameters": "seed = 1  # for masks"}, "no parameter profile"),
        ({"parameters": "profile = 'teach'  # which\nfoo = 1  # what"}, "unknown parameters foo"),
        ({"parameters": "profile = 'teach'  # which\nimport os"}, "does more than assign: 'import os'"),
    ],
)
def test_header_card_and_parameters_are_asked_for(tmp_path, head, complaint):
    found = complaints(notebook(tmp_path / "bad.ipynb", **head))
    assert len(found) == 1 and complaint in found[0], found


def with_caption(text):
    outputs = shown({"image/png": "aGk="}, **{"image/png": {"alt": "a curve"}}).outputs
    if text:
        outputs.append(new_output("display_data", data={"text/html": f"<figcaption>{text}</figcaption>"}))
    return new_code_cell("show()", outputs=outputs, execution_count=1)


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "figure of cell 4 has no caption"),
        ("One sentence only.", "caption of cell 4 is shorter than two sentences"),
        ("The signal in a.u. over time in ms. It falls.", None),
    ],
)
def test_figures_of_lessons_that_are_listed_need_a_caption(tmp_path, text, complaint):
    listed, other = f"{min(CAPTIONED)}.ipynb", "other.ipynb"
    cells = [new_markdown_cell("A sentence."), with_caption(text)]
    found = complaints(notebook(tmp_path / listed, *cells))
    assert len(found) == (complaint is not None) and all(complaint in each for each in found), found
    assert complaints(notebook(tmp_path / other, *cells)) == []


def test_listed_lessons_breathe_and_use_a_name_once(tmp_path):
    def computes(*cells):  # each with a sentence of its own above it
        return [each for cell in cells for each in (new_markdown_cell("A sentence."), cell)]

    listed, other = tmp_path / f"{min(CAPTIONED)}.ipynb", tmp_path / "other.ipynb"
    bare = [text("x = 1", ""), text("z = 1", "", "fold")]
    bare[1].metadata["jupyter"] = {"source_hidden": True}
    long = computes(text("a_name_that_is_so_long_that_nobody_can_read = 1", ""))
    twice = computes(text("x = 1", ""), text("for x in (1, 2):\n    y = x", ""), text("x, z = 2, 3", ""))
    for cells, complaint in (
        (bare, "cell 3 computes without a sentence above it"),
        (long, "open code has 47.0 characters a line on average, more than 44"),
        (twice, "cell 8 gives 'x' another value than cell 4"),
    ):
        assert complaints(notebook(listed, *cells)) == [complaint]
        assert complaints(notebook(other, *cells)) == []


def test_the_lessons_that_are_listed_exist():
    assert {path.stem for path in LESSONS} >= CAPTIONED


def test_widget_states_are_not_stored(tmp_path):
    path = notebook(tmp_path / "bad.ipynb")
    stored = nbformat.read(path, as_version=4)
    stored.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nbformat.write(stored, path)
    assert "stores widget states" in complaints(path)[0]


CALLBACK = """
import ipywidgets
def answer(change):
    raise RuntimeError('inside the callback')
slider = ipywidgets.IntSlider()
slider.observe(answer, 'value')
slider.value = 5
"""


@pytest.mark.parametrize(
    "cell, code, said",
    [
        (text("print('holds')", "holds\n", COMPARED), 0, "passed"),
        (text("print('does not hold')", "holds\n", COMPARED), 1, "does not hold"),
        (text("print(0.1)", "0.2\n"), 0, "passed"),
        (text("print(profile)", "smoke\n", COMPARED), 0, "passed"),
        (text(CALLBACK, ""), 1, "inside the callback"),
    ],
    ids=["agrees", "differs", "not compared", "profile is smoke", "widget callback fails"],
)
def test_nbval_compares_what_is_tagged_and_sees_what_fails(tmp_path, cell, code, said):
    (tmp_path / "copy").mkdir()
    found, printed = run_nbval(notebook(tmp_path / "small.ipynb", cell), tmp_path / "copy")
    assert found == code and said in printed, printed
