"""The CSV log of a training run, and the same rows for TensorBoard, for those who have it.

Fabric's CSVLogger would not do: it deletes the log of an earlier part when a run is resumed.
"""

import csv
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError

LOGGERS = ("csv", "tensorboard")
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


def check_logger(name: str) -> None:
    """Raise UserError where there is no such logger, or its package is not installed."""
    if name not in LOGGERS:
        raise UserError(f"there is no logger {name!r}; choose one of {', '.join(LOGGERS)}")
    if name == "tensorboard" and not find_spec("tensorboard"):
        raise UserError("TensorBoard is not installed; install it with `python -m pip install tensorboard`")


def open_board(folder: Path, step: int) -> Any:
    """Return torch's SummaryWriter for a folder. It hides what an earlier part wrote after `step`."""
    from torch.utils.tensorboard import SummaryWriter  # fails without the package

    return SummaryWriter(str(folder), purge_step=step + 1)
