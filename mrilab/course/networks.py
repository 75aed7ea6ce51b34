"""The table of trained networks in data/README.md, which is made from their cards."""

import json
import re
from pathlib import Path
from typing import Any

from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError
from mrilab.evaluation.networks import GAIN, PSNR, SETS
from mrilab.paths import CHECKPOINTS, ROOT

README = ROOT / "data" / "README.md"
BEGIN, END = "<!-- networks: written by `mrilab checkpoints table` -->", "<!-- end of networks -->"
HEADS = ("checkpoint", "kind", "parameters", "trained on", "steps", "minutes")


def network_table(folder: Path = CHECKPOINTS) -> str:
    """Return the table in Markdown: a row a card, in alphabetical order. Steps and minutes count all earlier runs."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    heads = [*HEADS, *(f"PSNR (gain), `{name}`" for name in SETS)]
    rows = [heads, ["---", "---", "--:", "---", *["--:"] * (2 + len(SETS))], *(_row(card) for card in cards)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(card: dict[str, Any]) -> list[str]:
    runs = [*card.get("earlier", []), card]
    network = card["network"]
    row = [f"`{card['name']}`", network["kind"], f"{network['parameters']:,}", card["data"].replace("|", "\\|")]
    row += [f"{sum(run['steps'] for run in runs):,}", f"{sum(run['minutes'] for run in runs):.0f}"]
    return row + [_quality(card["metrics"], name) for name in SETS]


def _quality(metrics: dict[str, float], name: str) -> str:
    if f"{PSNR} {name}" not in metrics:
        return ""
    return f"{metrics[f'{PSNR} {name}']:.1f} ({metrics[f'{GAIN} {name}']:+.1f})"


def write_table(readme: Path = README, folder: Path = CHECKPOINTS) -> None:
    """Put the table between its marks in the README.

    Raises:
        UserError: the marks are gone.
    """
    text = readme.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(BEGIN)}\n.*{re.escape(END)}", re.DOTALL)
    if not between.search(text):
        raise UserError(f"{readme} has no lines {BEGIN} and {END}; put them where the table is to stand")
    table = f"{BEGIN}\n{network_table(folder)}\n{END}"
    with atomic_path(readme) as temporary:
        temporary.write_text(between.sub(lambda _: table, text), encoding="utf-8")
