"""The notation ledger: what each symbol of the course is called in the code. Its rows stand in notation.csv."""

import csv
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Symbol:
    """One row of the ledger.

    symbol: LaTeX without dollar signs.
    code: a name that can be imported, "module:attribute", or a parameter of it, "module:function(parameter)".
    """

    symbol: str
    meaning: str
    code: str
    shape: str
    unit: str
    introduced: str

    @property
    def name(self) -> str:
        """Return how the symbol is written in the lessons' code."""
        return self.code.split(":")[1].split("(")[-1].rstrip(")")


with (Path(__file__).parent / "notation.csv").open(newline="", encoding="utf-8") as _file:
    LEDGER = tuple(Symbol(**row) for row in csv.DictReader(_file))


def ledger_markdown(rows: Sequence[Symbol] = LEDGER) -> str:
    """Return the ledger as a markdown table."""
    head = "| symbol | meaning | in code | shape | unit | first in section |\n|---|---|---|---|---|---|"
    lines = [
        f"| ${row.symbol}$ | {html.escape(row.meaning)} | `{row.name}` | {row.shape} | {row.unit} | {row.introduced} |"
        for row in rows
    ]
    return "\n".join([head, *lines])
