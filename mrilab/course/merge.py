"""Bring a lesson's new version into a learner's copy: a three-way comparison of cells by their ids.

For each cell there are the original as it was copied (its hash), the learner's cell and the new original. A cell that
the learner left alone follows the new version. A cell that the learner changed stays as it is. Where both changed it,
the new version stands below the learner's cell as Markdown, which runs nothing: two definitions of one name, one after
the other, would undo what the learner wrote.
"""

import copy
import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

BESIDE = "new-version"  # tag of the cell that shows a new version below the learner's cell
NOTE = (
    "**The lesson's new version of the cell above.** Your own stays as it is; delete this cell when you have read it."
)


def fingerprints(notebook: NotebookNode) -> dict[str, str]:
    """Return a SHA-256 of kind and source for each cell by its id, in the notebook's order."""
    return {cell.id: _fingerprint(cell) for cell in notebook.cells}


def _fingerprint(cell: NotebookNode) -> str:
    return hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()


def merge(base: dict[str, str], mine: NotebookNode, theirs: NotebookNode) -> tuple[NotebookNode, Counter[str]]:
    """Return the learner's notebook `mine` with what is new in `theirs`, and how many cells had which fate.

    base: the fingerprints of the original from which the learner's copy was made.

    The fates are "new" (taken from the new version), "removed" (no longer in the lesson), "kept" (changed by the
    learner), "beside" (changed by both) and "own" (added by the learner). Cells that the learner deleted stay deleted.
    The order is that of the new version, unless the learner moved cells. Added cells follow the cell before them.
    """
    own = {cell.id: cell for cell in mine.cells}
    new = {cell.id: cell for cell in theirs.cells}
    fates: Counter[str] = Counter()
    result: dict[str, NotebookNode] = {}
    beside: dict[str, NotebookNode] = {}
    for key, cell in own.items():
        untouched = base.get(key) == _fingerprint(cell)
        if key not in new:
            if untouched:
                fates["removed"] += 1
                continue
            result[key] = cell
            if BESIDE not in cell.metadata.get("tags", []):
                fates["kept" if key in base else "own"] += 1
        elif _fingerprint(cell) == _fingerprint(new[key]):
            result[key] = _with_outputs_of(cell, new[key])
        elif untouched:
            result[key] = copy.deepcopy(new[key])
            fates["new"] += 1
        else:
            result[key] = cell
            fates["kept"] += 1
            if base.get(key) != _fingerprint(new[key]):
                beside[key] = shown_beside(new[key])
                fates["beside"] += 1
    for key, cell in new.items():
        if key not in own and key not in base:
            result[key] = copy.deepcopy(cell)
            fates["new"] += 1

    known = [key for key in own if key in base and key in new]
    moved = known != [key for key in base if key in own and key in new]
    first, second = (own, new) if moved else (new, own)
    order = _woven([key for key in first if key in result], [key for key in second if key in result])
    merged = copy.deepcopy(mine)
    merged.cells = []
    old_notes = {cell.id for cell in beside.values()}
    for key in order:
        if key not in old_notes:
            merged.cells += [result[key], *([beside[key]] if key in beside else [])]
    if "mrilab" in theirs.metadata:
        merged.metadata["mrilab"] = copy.deepcopy(theirs.metadata["mrilab"])
    return merged, fates


def _with_outputs_of(mine: NotebookNode, theirs: NotebookNode) -> NotebookNode:
    """Return a cell that is the same in both, with the new version's metadata and the learner's outputs."""
    cell = copy.deepcopy(mine)
    cell.metadata = copy.deepcopy(theirs.metadata)
    return cell


def _woven(order: list[str], others: Iterable[str]) -> list[str]:
    """Put those of `others` that `order` lacks behind the one that they follow, or first."""
    woven = list(order)
    place = 0
    for key in others:
        if key not in woven:
            woven.insert(place, key)
        place = woven.index(key) + 1
    return woven


def shown_beside(cell: NotebookNode) -> NotebookNode:
    """Return a Markdown cell that shows a cell's new version.

    Its id follows from that of the cell, so that a newer one takes its place.
    """
    text = cell.source
    if cell.cell_type == "code":
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        text = f"{fence}python\n{text}\n{fence}"
    shown = new_markdown_cell(f"{NOTE}\n\n{text}", metadata={"tags": [BESIDE]})
    shown.id = f"new-{hashlib.sha256(cell.id.encode()).hexdigest()[:16]}"
    return shown
