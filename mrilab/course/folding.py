"""Plot code is closed on the page and in JupyterLab: the tag `fold` also hides the source in the cell's metadata.

`python -m mrilab.course.folding` brings the metadata of all lessons into line with their tags.
"""

import nbformat
from nbformat import NotebookNode

from mrilab.course.lessons import find_lessons
from mrilab.data.atomic import atomic_path

FOLDS = ("fold", "hide-input", "hide_input", "plot")  # tags of cells whose source is closed behind a "Code" line


def is_folded(cell: NotebookNode) -> bool:
    """Return whether the source of a cell is to be closed."""
    return cell.cell_type == "code" and not set(FOLDS).isdisjoint(cell.metadata.get("tags", []))


def is_hidden(cell: NotebookNode) -> bool:
    """Return whether JupyterLab opens a cell with its source hidden."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def hide_folded(notebook: NotebookNode) -> int:
    """Set `jupyter.source_hidden` in the metadata of folded cells, and in no others. Return how many have changed."""
    changed = 0
    for cell in notebook.cells:
        if is_hidden(cell) == is_folded(cell):
            continue
        changed += 1
        settings = cell.metadata.setdefault("jupyter", {})
        if is_folded(cell):
            settings["source_hidden"] = True
        else:
            del settings["source_hidden"]
            if not settings:
                del cell.metadata["jupyter"]
    return changed


def main() -> None:
    """Bring all lessons into line, and say how many cells have changed."""
    for path in find_lessons():
        notebook = nbformat.read(path, as_version=4)
        changed = hide_folded(notebook)
        if changed:
            with atomic_path(path) as temporary:
                nbformat.write(notebook, temporary)
        print(f"{path.stem}: cells changed: {changed}")


if __name__ == "__main__":
    main()
