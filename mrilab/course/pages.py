"""Web pages of the executed lessons: one page each and an index. They load nothing from anywhere.

nbconvert turns cells into HTML; equations become MathML, which browsers draw without a script; a widget, which
needs a kernel, becomes a line that says where it runs.
"""

from __future__ import annotations

import base64
import copy
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from markupsafe import Markup, escape
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from mrilab import __version__
from mrilab.course.cards import WIDGET, Card, duration, memory, read_card, tagged
from mrilab.course.execute import Run, last_run
from mrilab.data.atomic import atomic_path
from mrilab.evaluation.claims import MIME as CLAIMS
from mrilab.machine import commit

WIDGET_NOTE = '<p class="widget-note">A widget stands here: open the lesson with <code>make lab</code>.</p>'
TEMPLATES = Path(__file__).parent / "templates"
FOLDED = {"fold", "hide-input", "hide_input", "plot"}


def mathml(latex: str, display: str = "inline") -> str:
    """One equation as MathML; "inline" or "block"."""
    # The converter does not know the inner form of align, arg as an operator, and the room before a number.
    for ours, known in (("{aligned}", "{split}"), (r"\arg", r"\operatorname{arg}"), (r"\tag", r"\qquad\tag")):
        latex = latex.replace(ours, known)
    return convert(latex.strip(), display=display)


class MathRenderer(IPythonRenderer):
    """nbconvert's markdown renderer with equations as MathML instead of text for MathJax."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        if name.rstrip("*") == "equation":
            return mathml(body, "block")
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class LessonExporter(HTMLExporter):
    """The body of a notebook as HTML."""

    @property
    def default_config(self) -> Config:
        config = Config({"TemplateExporter": {"exclude_input_prompt": True, "exclude_output_prompt": True}})
        config.merge(super().default_config)
        return config

    def default_filters(self):
        yield from super().default_filters()
        yield ("markdown2html", self.markdown_with_mathml)

    @jinja2.pass_context
    def markdown_with_mathml(self, context, source: str) -> str:
        """Markdown to HTML; pictures beside the notebook are embedded."""
        renderer = MathRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=True,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
        )
        return MarkdownWithMath(renderer=renderer).render(source)


@dataclass
class Lesson:
    """One lesson as the index shows it; `run` is None where it was not run yet."""

    name: str
    card: Card
    run: Run | None = None
    claims: list[dict[str, str]] = field(default_factory=list)
    thumbnail: tuple[str, str] | None = None  # file name beside the page, alt text

    @property
    def status(self) -> str:
        if self.run is None:
            return "not run yet"
        return "ran" if self.run.ok else "failed"


def write_lesson(executed: NotebookNode, source: Path, folder: Path) -> Lesson:
    """Write NAME.html, and NAME.png where there is a figure, into `folder`; return what the index shows."""
    run = last_run(executed)
    lesson = Lesson(source.stem, read_card(executed, source.stem), run, claims_of(executed))
    figure = find_figure(executed)
    if figure is not None:
        picture, alt = figure
        lesson.thumbnail = (f"{source.stem}.png", alt)
        with atomic_path(folder / lesson.thumbnail[0]) as temporary:
            temporary.write_bytes(picture)
    exporter = LessonExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(
        without_scripts(executed), resources={"metadata": {"path": str(source.parent), "name": source.stem}}
    )
    soup = fold(BeautifulSoup(body, "html.parser"))
    headings = [(tag["id"], tag.get_text().removesuffix("¶")) for tag in soup.select("h2[id]")]
    failed_id = executed.cells[run.failed_cell - 1].get("id") if run.failed_cell else None
    _write(
        folder / f"{source.stem}.html", "lesson.html.j2",
        lesson=lesson, body=Markup(soup), headings=headings, failed_id=failed_id,
    )  # fmt: skip
    return lesson


def write_index(lessons: list[Lesson], folder: Path) -> Path:
    """Write index.html, which links the lessons and shows how they fared."""
    _write(folder / "index.html", "index.html.j2", lessons=lessons, commit=commit(), version=__version__)
    return folder / "index.html"


def claims_of(executed: NotebookNode) -> list[dict[str, str]]:
    """Rows of every claims table that the lesson displayed."""
    return [row for output in _displayed(executed) for row in output.data.get(CLAIMS, [])]


def find_figure(executed: NotebookNode) -> tuple[bytes, str] | None:
    """PNG and alt text of the cell tagged `thumbnail`, or else of the lesson's first figure."""
    for cells in (tagged(executed, "thumbnail"), executed.cells):
        for output in _displayed(NotebookNode(cells=cells)):
            if "image/png" in output.data:
                return base64.b64decode(output.data["image/png"]), alt_text(output)
    return None


def alt_text(output: NotebookNode) -> str:
    """What a PNG output says it shows; "" where it says nothing."""
    metadata = output.get("metadata", {})
    return metadata.get("image/png", {}).get("alt") or metadata.get("alt") or ""


def without_scripts(executed: NotebookNode) -> NotebookNode:
    """A copy without what only works with a kernel or a script from the network."""
    notebook = copy.deepcopy(executed)
    notebook.metadata.pop("widgets", None)
    for output in _displayed(notebook):
        if WIDGET in output.data:
            output.data = NotebookNode({"text/html": WIDGET_NOTE})
        output.data.pop("application/javascript", None)
        if "text/latex" in output.data and "text/html" not in output.data:
            latex = re.sub(r"^\$+(\\displaystyle)?|\$+$", "", output.data["text/latex"].strip())
            output.data["text/html"] = mathml(latex, "block")
    return notebook


def fold(soup: BeautifulSoup) -> BeautifulSoup:
    """Close the source of cells tagged for folding behind a "Code" line."""
    for cell in soup.select("div.code_cell"):
        tags = {name.removeprefix("celltag_") for name in cell.get("class", [])}
        source = cell.find("div", class_="input")
        if source is not None and tags & FOLDED:
            details, summary = soup.new_tag("details"), soup.new_tag("summary")
            summary.string = "Code"
            source.wrap(details)
            details.insert(0, summary)
    return soup


def _displayed(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]


def _write(path: Path, template: str, **values) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(_environment().get_template(template).render(**values), encoding="utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=duration, memory=memory, inline=_inline_markdown)
    environment.globals["style"] = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    environment.globals["code_style"] = Markup(
        HtmlFormatter(style="default").get_style_defs(".highlight")
        + "\n@media (prefers-color-scheme: dark) {\n"
        + HtmlFormatter(style="github-dark").get_style_defs(".highlight")
        + "\n}"
    )
    return environment


def _inline_markdown(text: str) -> Markup:
    """A goal or a title: its equations, code and emphasis, without the paragraph around it."""
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text)  # "1. A title" is no list
    html = MarkdownWithMath(renderer=MathRenderer(escape=True)).render(text).strip()
    return Markup(html.removeprefix("<p>").removesuffix("</p>")) if html else escape(text)
