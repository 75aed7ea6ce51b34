"""The runner on small notebooks: one that works, one that fails, one that is killed, one that is no notebook."""

import base64
import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from mrilab.cli import app
from mrilab.course.execute import RUN_KEY
from mrilab.course.lessons import find_lessons
from mrilab.course.pages import write_lesson
from mrilab.course.run import run_course
from mrilab.errors import UserError

CARD = """# 1. A small lesson

| | |
|---|---|
| **Reading** | 5 minutes |
| **Exercises** | one |
| **Device** | any CPU |
| **Measured run time and peak memory** | |

After this you can

- solve $\\hat x = \\arg\\min_x \\|Ax - y\\|_2^2$
- read `kspace`
"""
FIGURE = """
import matplotlib.pyplot as plt
from IPython.display import Image, display
plt.plot([1, 2]); plt.savefig("/dev/null"); plt.close()
png = {png!r}
import base64
display(Image(base64.b64decode(png), alt="a red pixel"))
"""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
CLAIMS = """
from mrilab.evaluation.claims import Claim, ClaimsTable
claim = Claim("gain", "A gains 5 dB", "Someone 2021", "12 heads", "gain (dB)", at_least=5.0)
table = ClaimsTable({"gain": claim}, {"gain": [6.0, 7.0]})
table
"""
ALIGNED = "$$\\begin{aligned} a &= \\tfrac12 b \\\\ c &< d \\end{aligned}$$"


def cell(source, *tags):
    return new_code_cell(source.strip(), metadata={"tags": list(tags)})


def lesson(path, *cells):
    card = new_markdown_cell(CARD, metadata={"tags": ["header-card"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[card, cell("profile = 'teach'", "parameters"), *cells], metadata=kernel)
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def outcome(folder):
    lesson(
        folder / "00_works.ipynb",
        new_markdown_cell("## One\nText with $k_x$ and $$y = PFSx + n.$$\n## Two\n" + ALIGNED + "\n\n## Three\n"),
        cell("print('profile is', profile)"),
        cell(FIGURE.replace("{png!r}", repr(PIXEL)), "fold"),
        cell("import ipywidgets\nipywidgets.IntSlider(description='R')", "widget"),
        cell("from IPython.display import Math\nMath(r'\\Delta k = 1/\\mathrm{FOV}')"),
        cell(CLAIMS),
        cell("import numpy as np\nblock = np.ones(40_000_000)\nimport time; time.sleep(0.5)"),
    )
    lesson(folder / "01_fails.ipynb", cell("x = 1"), cell("print(x)\nx + missing_name"), cell("print('after')"))
    lesson(folder / "02_dies.ipynb", cell("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    (folder / "03_broken.ipynb").write_text("this is no notebook")
    lesson(folder / "04_works_too.ipynb", cell("print('fine')"))
    return run_course(find_lessons(folder=folder), folder / "out", "smoke", progress=False)


def page(outcome, name):
    return BeautifulSoup((outcome.index.parent / name).read_text(), "html.parser")


def test_a_failure_does_not_stop_the_others(outcome):
    assert {run.name: run.ok for run in outcome.runs} == {
        "00_works": True, "01_fails": False, "02_dies": False, "03_broken": False, "04_works_too": True,
    }  # fmt: skip
    assert not outcome.interrupted


def test_the_page_names_notebook_cell_and_error(outcome):
    index = page(outcome, "index.html")
    failures = [entry.get_text(" ", strip=True) for entry in index.select(".lesson .failure")]
    assert failures[0].startswith("01_fails, cell 4: NameError: name 'missing_name' is not defined")
    assert "x + missing_name" in failures[0]
    assert failures[1].startswith("02_dies, cell 3: DeadKernelError")
    assert failures[2].startswith("03_broken: ")
    own = page(outcome, "01_fails.html")
    link = own.select_one(".failure a")
    assert link.get_text() == "cell 4"
    assert "missing_name" in own.find(id=link["href"].removeprefix("#")).get_text()


def test_index_shows_what_a_teacher_needs(outcome):
    first = page(outcome, "index.html").select("article")[0]
    text = first.get_text(" ", strip=True)
    assert first.h2.a["href"] == "00_works.html" and first.h2.get_text() == "1. A small lesson"
    assert len(first.select("ul li")) == 2 and first.select_one("li math")
    for shown in ("Reading 5 minutes", "Exercises one", "any CPU", "(smoke)"):
        assert shown in text
    for shown in ("A gains 5 dB", "gain (dB) >= 5", "holds"):
        assert shown in first.table.get_text()
    picture = first.select_one("img")
    assert picture["alt"] == "a red pixel"
    assert (outcome.index.parent / picture["src"]).read_bytes() == base64.b64decode(PIXEL)


def test_the_profile_reaches_the_notebook(outcome):
    assert "profile is smoke" in page(outcome, "00_works.html").get_text()


def test_peak_memory_counts_the_kernel(outcome):
    works, _, _, _, small = outcome.runs
    assert works.peak_memory_mb - small.peak_memory_mb > 300  # the notebook holds 40 million doubles, 305 MiB
    assert 30 < small.peak_memory_mb < 1000
    assert works.seconds > 0.5


def test_the_card_on_the_page_has_the_measured_figures(outcome):
    row = page(outcome, "00_works.html").find("td", string=re.compile("^smoke: "))
    assert re.match(r"smoke: \d+ s, .*(MB|GB) on .+; teach: not measured yet", row.text)


@pytest.mark.parametrize("name", ["index", "00_works", "01_fails", "02_dies", "03_broken", "04_works_too"])
def test_pages_load_nothing_and_run_nothing(outcome, name):
    soup = page(outcome, f"{name}.html")
    assert not soup.select("script, iframe, object, link[rel=stylesheet]")
    for tag in soup.select("[src], link[href]"):
        assert re.match(r"data:|[\w.]+$", tag.get("src") or tag.get("href"))
    assert not re.search(r"url\(\s*['\"]?https?:|@import", str(soup))


def test_equations_are_mathml_and_widgets_say_where_they_run(outcome):
    soup = page(outcome, "00_works.html")
    assert len(soup.select("math[display=block]")) == 3  # two in the text, one output
    assert not re.search(r"\$|\\[a-z]+", " ".join(tag.get_text() for tag in soup.select("math, .rendered_html")))
    assert "&" not in soup.select("math[display=block]")[1].get_text()
    assert "make lab" in soup.select_one(".widget-note").get_text()
    assert "IntSlider(" not in soup.select_one(".celltag_widget .output").get_text()


def test_a_picture_and_its_caption_become_one_figure(tmp_path):
    picture = new_output("display_data", data={"image/png": PIXEL}, metadata={"image/png": {"alt": "a red pixel"}})
    caption = new_output("display_data", data={"text/html": "<figcaption>One pixel. It is red.</figcaption>"})
    table = new_output("display_data", data={"text/html": "<p>a table</p>"})
    shown = new_code_cell("show()", outputs=[picture, caption, table, picture, caption, picture], execution_count=1)
    run = {"name": "10", "profile": "teach", "seconds": 1, "peak_memory_mb": 1, "device": "cpu", "finished": "today"}
    write_lesson(new_notebook(cells=[shown], metadata={RUN_KEY: run}), tmp_path / "10.ipynb", tmp_path)
    soup = BeautifulSoup((tmp_path / "10.html").read_text(), "html.parser")
    figures = [[child.name for child in figure.find_all(True)] for figure in soup.select("figure")]
    assert figures == [["img", "figcaption"], ["img", "figcaption"]]
    assert len(soup.select("main img")) == 3 and len(soup.select("figcaption")) == 2 and "a table" in soup.get_text()


def test_tagged_plot_code_is_folded(outcome):
    folded = page(outcome, "00_works.html").select_one(".celltag_fold details")
    assert folded.summary.get_text() == "Code" and "matplotlib" in folded.get_text()


def test_sources_stay_as_they_are_without_save(outcome, folder):
    notebook = nbformat.read(folder / "00_works.ipynb", as_version=4)
    assert notebook.cells[0].source == CARD.strip() or notebook.cells[0].source == CARD
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")


def test_save_writes_outputs_and_card_and_nothing_of_the_runner(tmp_path):
    path = lesson(tmp_path / "00_a.ipynb", cell("1 + 1"), cell("import ipywidgets\nipywidgets.IntSlider()", "widget"))
    run_course([path], tmp_path / "out", "smoke", save=True, progress=False)
    saved = nbformat.read(path, as_version=4)
    assert not any(c.outputs for c in saved.cells if c.cell_type == "code"), "smoke runs are no results"
    run_course([path], tmp_path / "out", "teach", save=True, progress=False)
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert [c.execution_count for c in saved.cells if c.cell_type == "code"] == [1, 2, 3]
    assert saved.cells[2].outputs[0].data["text/plain"] == "2" and saved.cells[2].outputs[0].execution_count == 2
    assert saved.cells[3].outputs == []
    assert re.search(r"^\| \*\*Measured.*smoke: \d+ s.*; teach: \d+ s.* \|$",
                     saved.cells[0].source, re.MULTILINE)  # fmt: skip
    assert set(saved.metadata.mrilab.measured) == {"smoke", "teach"}
    assert "papermill" not in path.read_text().replace("test_course", "")


def test_save_leaves_a_failing_lesson_alone(tmp_path):
    path = lesson(tmp_path / "00_a.ipynb", cell("1 / 0"))
    before = path.read_bytes()
    assert run_course([path], tmp_path / "out", "smoke", save=True, progress=False).failed
    assert path.read_bytes() == before


def test_the_index_keeps_lessons_of_earlier_runs_and_names_those_not_run(tmp_path):
    first = lesson(tmp_path / "00_a.ipynb", cell("1"))
    second = lesson(tmp_path / "01_b.ipynb", cell("2"))
    lesson(tmp_path / "02_c.ipynb", cell("3"))
    run_course([first], tmp_path / "out", "smoke", progress=False)
    index = run_course([second], tmp_path / "out", "smoke", progress=False).index
    soup = BeautifulSoup(index.read_text(), "html.parser")
    assert [tag.get_text() for tag in soup.select("[class^=status-]")] == ["ran", "ran", "not run yet"]


def test_an_interrupt_ends_the_kernel_and_still_writes_the_index(tmp_path):
    lesson(tmp_path / "00_quick.ipynb", cell("1"))
    lesson(tmp_path / "01_slow.ipynb", cell(f"open({str(tmp_path / 'started')!r}, 'w'); import time; time.sleep(300)"))
    script = tmp_path / "run.py"
    script.write_text(
        "from pathlib import Path\nfrom mrilab.course.lessons import find_lessons\n"
        "from mrilab.course.run import run_course\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "outcome = run_course(find_lessons(folder=folder), folder / 'out', 'smoke', progress=False)\n"
        "print(outcome.interrupted, [run.name for run in outcome.runs])\n"
    )
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    kernels = psutil.Process(process.pid).children(recursive=True)
    assert kernels
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert output.strip() == "True ['00_quick']", errors
    assert "Traceback" not in errors
    assert not [kernel for kernel in kernels if kernel.is_running() and kernel.status() != "zombie"]
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text(), "html.parser")
    assert [tag.get_text() for tag in soup.select("[class^=status-]")] == ["ran", "not run yet"]


def test_lessons_are_found_by_name_beginning_or_path(tmp_path):
    for name in ("00_a", "01_b", "02_c"):
        lesson(tmp_path / f"{name}.ipynb")
    assert [p.stem for p in find_lessons(folder=tmp_path)] == ["00_a", "01_b", "02_c"]
    assert [p.stem for p in find_lessons(["02", "00_a"], tmp_path)] == ["00_a", "02_c"]
    assert [p.stem for p in find_lessons([str(tmp_path / "01_b.ipynb")], tmp_path)] == ["01_b"]
    with pytest.raises(UserError, match="no lesson is called '07'; choose from 00_a, 01_b, 02_c"):
        find_lessons(["07"], tmp_path)
    with pytest.raises(UserError, match="no notebooks"):
        find_lessons(folder=tmp_path / "empty")


@pytest.mark.parametrize("source, code", [("1 + 1", 0), ("1 / 0", 1)])
def test_the_command_ends_with_one_line_and_the_right_code(tmp_path, monkeypatch, source, code):
    lesson(tmp_path / "00_a.ipynb", cell(source))
    monkeypatch.setattr("mrilab.data.embedded.build", lambda: None)
    monkeypatch.setattr("mrilab.paths.BUILD", tmp_path / "build")
    monkeypatch.setattr("mrilab.course.lessons.find_lessons", lambda names: find_lessons(names, tmp_path))
    result = CliRunner().invoke(app, ["course", "--profile", "smoke", "00"])
    assert result.exit_code == code
    assert f"course: {1 - code} of 1 lessons ran; open {tmp_path / 'build' / 'course' / 'index.html'}" in result.stdout
    assert ("course: 00_a, cell 3 failed: ZeroDivisionError: division by zero" in result.stderr) == bool(code)
