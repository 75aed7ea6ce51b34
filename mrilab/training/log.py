"""The CSV log of a training run.

Fabric's CSVLogger would not do: it deletes the log of an earlier part when a run is resumed.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from mrilab.data.atomic import atomic_path

COLUMNS = ("step", "seconds", "learning_rate", "loss", "validation_loss")


def start_log(path: Path, step: int, columns: Sequence[str] = COLUMNS) -> None:
    """Write the heads of the columns. Keep the rows of an earlier part up to `step`, where the run resumes."""
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)[1:] if step and path.exists() else []
    kept = [row for row in rows if row.endswith("\n") and int(row.partition(",")[0]) <= step]  # a kill may cut a row
    with atomic_path(path) as temporary:
        temporary.write_text(",".join(columns) + "\n" + "".join(kept), encoding="utf-8", newline="\n")


def append_row(path: Path, row: Mapping[str, float | str], columns: Sequence[str] = COLUMNS) -> None:
    """Write one row. A column without a value stays empty."""
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, columns, lineterminator="\n").writerow(row)
