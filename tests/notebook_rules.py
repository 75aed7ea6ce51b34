"""What every lesson keeps to, beyond running: checked on the file, without a kernel."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from nbformat import NotebookNode

from mrilab.course.cards import ROW, WIDGET, tagged
from mrilab.course.folding import is_folded, is_hidden
from mrilab.course.pages import LessonExporter, alt_text, without_scripts

PARAMETERS = {
    "profile",  # smoke or teach
    "seed",
    "acceleration",  # R, nominal
    "n_heads",  # how many embedded scans to measure on
    "n_coils",
    "noise_std",  # per real component
    "ratio",  # samples over positions
    "scan_path",  # a fastMRI file of the reader's own
    "device",
}
# Lessons whose every figure has a caption, whose cells have a sentence above them, short lines, and names that mean one
# thing. More are to follow.
CAPTIONED = {"00_start_here", "01_mri_physics"}
LINE = 44  # most characters a line, on average, in code that stands open
MEDIAN = 7  # most lines of a code cell, in the median; plot code that is folded does not count
REUSED = {"figure", "axis", "left_axis", "right_axis", "my_guess"}  # names that every figure or question uses anew
COMPARED = "nbval-check-output"
MACHINE_PATH = re.compile(r"(?<![\w.~>/])(/(home|Users|root|tmp|work|var|opt|mnt)/|[A-Z]:\\)[\w.-]*")


def complaints(path: Path) -> list[str]:
    """What is wrong with the notebook, one sentence each; empty if nothing is."""
    notebook = nbformat.read(path, as_version=4)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {error.message}"]
    found = []
    if path.stat().st_size > 2 * 2**20:
        found.append(f"the file has {path.stat().st_size / 2**20:.1f} MB, more than 2")
    for rule in (header_card, parameters, lengths, folds, compared_cells, outputs, pictures, paths, equations):
        found.extend(rule(notebook))
    if path.stem in CAPTIONED:
        for rule in (captions, sentences, line_lengths, names):
            found.extend(rule(notebook))
    found.extend(links(notebook, path.parent))
    return found


def header_card(notebook: NotebookNode) -> Iterator[str]:
    cells = tagged(notebook, "header-card")
    if len(cells) != 1:
        yield f"{len(cells)} cells are tagged header-card instead of one"
    elif not any("measured" in row["key"].lower() for row in ROW.finditer(cells[0].source)):
        yield "the header card has no row for the measured run time and peak memory"


def parameters(notebook: NotebookNode) -> Iterator[str]:
    cells = tagged(notebook, "parameters")
    if len(cells) != 1:
        yield f"{len(cells)} cells are tagged parameters instead of one"
        return
    lines = cells[0].source.splitlines()
    names = []
    for statement in ast.parse(cells[0].source).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            yield f"the parameters cell does more than assign: {lines[statement.lineno - 1]!r}"
            continue
        names.append(statement.targets[0].id)
        if "#" not in lines[statement.end_lineno - 1]:
            yield f"parameter {names[-1]!r} has no comment"
    if unknown := sorted(set(names) - PARAMETERS):
        yield f"unknown parameters {', '.join(unknown)}; known are {', '.join(sorted(PARAMETERS))}"
    if "profile" not in names:
        yield "there is no parameter profile"
    if "full:" in cells[0].source:
        yield "the profile full is one of `mrilab train`; a lesson has smoke and teach"


def lengths(notebook: NotebookNode) -> Iterator[str]:
    counts = []
    for number, cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > 20:
            yield f"cell {number} has {lines} lines, more than 20"
        if "fold" not in cell.metadata.get("tags", []):
            counts.append(lines)
    if counts and statistics.median(counts) > MEDIAN:
        yield f"open code cells have {statistics.median(counts):g} lines in the median, more than {MEDIAN}"


def folds(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in code_cells(notebook):
        if is_folded(cell) != is_hidden(cell):
            state = "closed on the page but open" if is_folded(cell) else "open on the page but closed"
            yield f"cell {number} is {state} in JupyterLab; run `python -m mrilab.course.folding`"


def compared_cells(notebook: NotebookNode) -> Iterator[str]:
    """nbval passes over a cell that was never executed, and compares text exactly."""
    for number, cell in code_cells(notebook):
        if COMPARED not in cell.metadata.get("tags", []):
            continue
        if cell.execution_count is None:
            yield f"cell {number} is tagged {COMPARED} but was never executed, so nothing is compared"
            continue
        if not cell.outputs:
            yield f"cell {number} is tagged {COMPARED} but has no output"
        for output in cell.outputs:
            data = output.get("data", {})
            if set(data) - {"text/plain"}:
                yield f"cell {number} is tagged {COMPARED} but shows more than text: {', '.join(sorted(data))}"
            text = output.get("text", "") + data.get("text/plain", "")
            if re.search(r"<Figure|\d\.\d|\bat 0x", text):
                yield f"cell {number} is tagged {COMPARED} but prints what a machine or a profile changes"


def outputs(notebook: NotebookNode) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "the notebook stores widget states; save it with `mrilab course --save`"
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {number} ends in {output.ename}"
            elif output.output_type == "stream" and output.name == "stderr":
                yield f"cell {number} writes to stderr: {output.text.strip()[:80]!r}"
            elif WIDGET in output.get("data", {}):
                yield f"cell {number} stores a widget, which shows nothing without a kernel"


def pictures(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            if re.search(r"!\[\s*\]\(", cell.source):
                yield f"cell {number} has a picture without alt text"
            html = [cell.source]
        else:
            html = [output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])]
        for image in (img for text in html for img in BeautifulSoup(text, "html.parser").select("img")):
            if not image.get("alt", "").strip():
                yield f"cell {number} has an <img> without alt text"
        for output in cell.get("outputs", []):
            if {"image/png", "image/jpeg"} & set(output.get("data", {})) and not alt_text(output).strip():
                yield f"the figure of cell {number} has no alt text"


def captions(notebook: NotebookNode) -> Iterator[str]:
    """Under every picture stands what is drawn, in which unit and scale, and what to see: two sentences or more."""
    for number, cell in code_cells(notebook):
        for place, output in enumerate(cell.outputs):
            if "image/png" not in output.get("data", {}):
                continue
            after = cell.outputs[place + 1] if place + 1 < len(cell.outputs) else {}
            page = BeautifulSoup(after.get("data", {}).get("text/html", ""), "html.parser")
            caption = page.select_one("figcaption")
            if caption is None:
                yield f"the figure of cell {number} has no caption under it"
            elif len(re.findall(r"[.?!](?:\s|$)", caption.get_text())) < 2:
                yield f"the caption of cell {number} is shorter than two sentences: {caption.get_text()[:80]!r}"


def sentences(notebook: NotebookNode) -> Iterator[str]:
    """Above every cell that computes stands a sentence; folded plot code has its caption."""
    before = None
    for number, cell in enumerate(notebook.cells, start=1):
        free = {"fold", "parameters"} & set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not free and (before is None or before.cell_type != "markdown"):
            yield f"cell {number} computes without a sentence above it"
        before = cell


def line_lengths(notebook: NotebookNode) -> Iterator[str]:
    """Code that stands open has short lines."""
    closed = {"fold", "parameters"}
    cells = [cell for _, cell in code_cells(notebook) if not closed & set(cell.metadata.get("tags", []))]
    lines = [len(line) for cell in cells for line in cell.source.splitlines() if line.strip()]
    if lines and statistics.mean(lines) > LINE:
        yield f"open code has {statistics.mean(lines):.1f} characters a line on average, more than {LINE}"


def names(notebook: NotebookNode) -> Iterator[str]:
    """A name is given a value in one cell only, so that it means one thing in a lesson; loops are free."""
    bound: dict[str, int] = {}
    for number, cell in code_cells(notebook):
        own = set()
        for statement in ast.parse(cell.source).body:
            if isinstance(statement, ast.Assign):
                targets = [node for target in statement.targets for node in ast.walk(target)]
                own |= {node.id for node in targets if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        for name in sorted(own - REUSED - {"_"}):
            if name in bound:
                yield f"cell {number} gives {name!r} another value than cell {bound[name]}"
            bound[name] = number


def paths(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells, start=1):
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *map(str, output.get("traceback", []))]
            texts += [str(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
        for text in texts:
            if match := MACHINE_PATH.search(text):
                yield f"cell {number} names a path of one machine: {match[0]!r}"
                break


def links(notebook: NotebookNode, folder: Path) -> Iterator[str]:
    """A link on the disk leads to what lies beside the lesson: only that lies beside a learner's copy as well."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "markdown":
            continue
        for target in re.findall(r"\]\(\s*<?([^)\s>]+)", re.sub(r"`[^`]*`", "", cell.source)):
            if re.match(r"[a-z]+:|#", target):
                continue
            file = target.partition("#")[0]
            if ".." in Path(file).parts or not (folder / file).is_file():
                yield f"cell {number} links to {file}, which does not lie beside the lesson"


def equations(notebook: NotebookNode) -> Iterator[str]:
    """Every equation becomes MathML with nothing of LaTeX left, outside code and shown text."""
    body, _ = LessonExporter(template_name="basic").from_notebook_node(without_scripts(notebook))
    for math in BeautifulSoup(body, "html.parser").select("math"):
        text = math.get_text()
        if re.search(r"\\[A-Za-z]|&", text):
            yield f"an equation is not understood by latex2mathml: {text[:80]!r}"


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Code cells with their number among all cells, from 1."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            yield number, cell
