"""The CSV log of a training run.

Fabric's CSVLogger would not do: it deletes the log of an earlier part when a run is resumed.
"""

import csv
import os
from pathlib import Path

from mrilab.data.atomic import atomic_path

COLUMNS = ("step", "seconds", "learning_rate", "loss", "validation_loss")


class Log:
    """Appends rows to `path`. A log that is there already is cut after `step`, where the run resumes."""

    def __init__(self, path: Path, step: int):
        kept = [row for row in read_log(path) if int(row["step"]) <= step] if step and path.exists() else []
        with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
        self.path = path

    def append(self, **row: float | str) -> None:
        """Write one row and force it to the disk. A column without a value stays empty."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
            file.flush()
            os.fsync(file.fileno())


def read_log(path: Path) -> list[dict[str, str]]:
    """Return the whole rows of a log, without what a kill left of a last line."""
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))
