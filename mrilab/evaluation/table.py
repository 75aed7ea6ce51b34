"""summary.csv: a row a scan, what `mrilab recon` made of many."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError
from mrilab.evaluation.result import METRIC_NAMES

TABLE = "summary.csv"
COLUMNS = ("scan", "method", "slices", "nominal_acceleration", "effective_acceleration", "maps_from", *METRIC_NAMES)
COLUMNS += ("seconds", "note", "error")

Rows = dict[tuple[str, str], dict[str, str]]  # by the name of the scan without its ending, and the method


def read_rows(path: Path) -> Rows:
    """Return the rows of a table that is there already, none where there is none.

    Raises:
        UserError: it has other columns, so it is no table of ours.
    """
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UserError(f"{path} has other columns than this version writes; move it away")
            return {_key(row): row for row in reader}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a table ({error}); move it away") from error


def write_rows(path: Path, rows: Rows, row: Mapping[str, Any]) -> Rows:
    """Write the rows with `row` in place of the one of its scan and method, whole or not at all, and return them.

    Real numbers have six digits, and what is not known is empty.
    """
    written = {name: _text(row.get(name)) for name in COLUMNS}
    rows = rows | {_key(written): written}
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    return rows


def _key(row: Mapping[str, str]) -> tuple[str, str]:
    return Path(row["scan"]).stem, row["method"]


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
