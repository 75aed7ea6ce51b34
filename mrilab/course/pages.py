"""Web pages of the executed lessons: one page each and an index. They load nothing from anywhere.

nbconvert turns cells into HTML. Equations become MathML, which browsers draw without a script. A widget, which
needs a kernel, becomes a line that says where it runs.
"""

import base64
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import nbformat
from bs4 import BeautifulSoup
from jinja2.runtime import Context
from latex2mathml.converter import convert
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from mrilab import __version__
from mrilab.course.cards import WIDGET, Card, duration, memory, read_card, tagged
from mrilab.course.execute import Run, last_run
from mrilab.course.folding import FOLDS
from mrilab.data.atomic import atomic_path
from mrilab.evaluation.claims import MIME as CLAIMS
from mrilab.machine import commit

WIDGET_NOTE = '<p class="widget-note">A widget stands here: open the lesson with <code>make lab</code>.</p>'
TEMPLATES = Path(__file__).parent / "templates"
FOLDED = ", ".join(f"div.code_cell.celltag_{tag}" for tag in FOLDS)


def mathml(latex: str, display: str = "inline") -> str:
    """Convert one equation to MathML, "inline" or "block"."""
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
        plain = name.rstrip("*") == "equation"
        return mathml(body if plain else f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class LessonExporter(HTMLExporter):
    """The body of a notebook as HTML, with pictures that lie beside the notebook embedded."""

    @jinja2.pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        renderer = MathRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=True,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
        )
        return MarkdownWithMath(renderer=renderer).render(source)


@dataclass(frozen=True)
class Lesson:
    """A lesson as the index shows it. `run` is None where it was not run yet."""

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


def write_lesson(executed: NotebookNode, source: Path, folder: Path) -> None:
    """Write NAME.html, and NAME.png where there is a figure, into `folder`."""
    lesson = describe(executed, source.stem)
    if figure := find_figure(executed):
        with atomic_path(folder / f"{source.stem}.png") as temporary:
            temporary.write_bytes(base64.b64decode(figure.data["image/png"]))
    exporter = LessonExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(
        without_scripts(executed), resources={"metadata": {"path": str(source.parent), "name": source.stem}}
    )
    soup = BeautifulSoup(body, "html.parser")
    for cell in soup.select(FOLDED):
        if code := cell.find("div", class_="input"):
            details = code.wrap(soup.new_tag("details"))
            details.insert(0, soup.new_tag("summary", string="Code"))
    join_captions(soup)
    headings = [(tag["id"], tag.get_text().removesuffix("¶")) for tag in soup.select("h2[id]")]
    failed = lesson.run.failed_cell if lesson.run else None
    failed_id = executed.cells[failed - 1].get("id") if failed else None
    _write(folder / f"{source.stem}.html", "lesson.html.j2",
           lesson=lesson, body=Markup(soup), headings=headings, failed_id=failed_id)  # fmt: skip


def join_captions(soup: BeautifulSoup) -> None:
    """Make one <figure> of each picture and the caption that the lesson displays after it."""
    for caption in soup.select("div.output_area figcaption"):
        own = caption.find_parent("div", class_="output_area")
        before = own.find_previous_sibling("div", class_="output_area") if own else None
        picture = before.find("img") if before else None
        if own and picture:
            picture.wrap(soup.new_tag("figure")).append(caption.extract())
            own.decompose()


def write_index(sources: list[Path], folder: Path) -> Path:
    """Write index.html, which links the lessons and shows how they fared when they ran last."""
    lessons = [describe(_last_executed(source, folder), source.stem) for source in sources]
    _write(folder / "index.html", "index.html.j2", lessons=lessons, commit=commit(), version=__version__)
    return folder / "index.html"


def _last_executed(source: Path, folder: Path) -> NotebookNode:
    """Return the executed notebook if it ran to its end, else the source, else (the file is broken) an empty one."""
    executed = folder / source.name
    try:
        if executed.is_file() and last_run(notebook := nbformat.read(executed, as_version=4)):
            return notebook
        return nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError):
        return nbformat.v4.new_notebook()


def describe(notebook: NotebookNode, name: str) -> Lesson:
    """Return what the index shows of a notebook: its card, and what came of its run if it has one."""
    card, run = read_card(notebook, name), last_run(notebook)
    if run is None:
        return Lesson(name, card)
    claims = [row for output in _displayed(notebook) for row in output.data.get(CLAIMS, [])]
    figure = find_figure(notebook)
    return Lesson(name, card, run, claims, (f"{name}.png", alt_text(figure)) if figure else None)


def find_figure(executed: NotebookNode) -> NotebookNode | None:
    """Return the PNG output of the cell tagged `thumbnail`, or else the lesson's first PNG output."""
    cells = [*tagged(executed, "thumbnail"), *executed.cells]
    return next((output for output in _displayed(NotebookNode(cells=cells)) if "image/png" in output.data), None)


def alt_text(output: NotebookNode) -> str:
    """Return what a PNG output says it shows; "" where it says nothing."""
    metadata = output.get("metadata", {})
    return metadata.get("image/png", {}).get("alt") or metadata.get("alt") or ""


def without_scripts(executed: NotebookNode) -> NotebookNode:
    """Return a copy without what only works with a kernel or a script from the network."""
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


def _displayed(notebook: NotebookNode) -> Iterator[NotebookNode]:
    return (output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output)


def _inline_markdown(text: str) -> Markup:
    """Render a goal or a title: its equations, code and emphasis, without the paragraph around it."""
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text)  # "1. A title" is no list
    html = MarkdownWithMath(renderer=MathRenderer(escape=True)).render(text).strip()
    return Markup(html.removeprefix("<p>").removesuffix("</p>"))


def _write(path: Path, template: str, **values: object) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(PAGES.get_template(template).render(**values), encoding="utf-8")


PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters.update(duration=duration, memory=memory, inline=_inline_markdown)
LIGHT, DARK = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
PAGES.globals["style"] = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
PAGES.globals["code_style"] = Markup(f"{LIGHT}\n@media (prefers-color-scheme: dark) {{\n{DARK}\n}}")
