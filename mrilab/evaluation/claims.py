"""Claims: what a paper says, with protocol and threshold written down before the test scans are run.

A lesson's claims stand in notebooks/claims/LESSON.toml, one table each:

    [rss-ssim]
    text = "SSIM against the RSS image is only slightly above 0.8"
    paper = "Jalal et al. 2021, appendix A.1"
    protocol = "12 test heads, R = 4, masked SSIM, L1-wavelet against RSS"
    metric = "SSIM"
    at_least = 0.80          # or at_most, or both
    at_most = 0.85

A claim holds when the mean over the test scans reaches the threshold. The interval beside it says how far the
mean could be off. A claim that fails is reported, not tuned until it holds.
"""

import html
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from mrilab.errors import UserError
from mrilab.paths import NOTEBOOKS

MIME = "application/vnd.mrilab.claims+json"  # how the course page finds verdicts in an executed lesson


@dataclass(frozen=True)
class Claim:
    """One declared claim. At least one of `at_least` and `at_most` is finite."""

    id: str
    text: str
    paper: str
    protocol: str
    metric: str
    at_least: float = -math.inf
    at_most: float = math.inf

    @property
    def threshold(self) -> str:
        """Return the condition in words, e.g. "SSIM >= 0.8"."""
        if self.at_least == -math.inf:
            return f"{self.metric} <= {self.at_most:g}"
        if self.at_most == math.inf:
            return f"{self.metric} >= {self.at_least:g}"
        return f"{self.at_least:g} <= {self.metric} <= {self.at_most:g}"


@dataclass(frozen=True)
class Verdict:
    """A claim with what was measured: mean, 95 % interval of the mean (None from one value or two), the values."""

    claim: Claim
    mean: float
    interval: tuple[float, float] | None
    values: tuple[float, ...]

    @property
    def word(self) -> str:
        """Return whether the mean reaches the threshold, in words."""
        return "holds" if self.claim.at_least <= self.mean <= self.claim.at_most else "does not hold"

    @property
    def measured(self) -> str:
        """Return mean and interval in words, e.g. "0.812 [0.801, 0.823], n = 12"; two values stand there themselves."""
        beside = " ({:.3g} and {:.3g})".format(*self.values) if len(self.values) == 2 else ""
        if self.interval is not None:
            beside = " [{:.3g}, {:.3g}]".format(*self.interval)
        return f"{self.mean:.3g}{beside}, n = {len(self.values)}"

    def row(self) -> dict[str, str]:
        """Return the cells of the claims table by column."""
        claim = self.claim
        declared = {"claim": claim.text, "paper": claim.paper, "protocol": claim.protocol, "threshold": claim.threshold}
        return {**declared, "measured": self.measured, "verdict": self.word}


def read_claims(lesson: str | Path) -> dict[str, Claim]:
    """Read the claims of a lesson ("01_mri_physics"), or of a TOML file, by id.

    Raises:
        UserError: there is no such file, it is no TOML, or a claim lacks a field or has an unknown one.
    """
    path = Path(lesson)
    if path.suffix != ".toml":
        path = NOTEBOOKS / "claims" / f"{lesson}.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read the claims in {path} ({error}); name a TOML file of claims") from error
    claims = {}
    for name, fields in tables.items():
        try:
            claims[name] = Claim(id=name, **fields)
        except TypeError as error:
            raise UserError(f"claim {name!r} in {path}: {error}; see mrilab.evaluation.claims") from error
        if {"at_least", "at_most"}.isdisjoint(fields):
            raise UserError(f"claim {name!r} in {path} has no threshold; give at_least, at_most or both")
    return claims


def judge(claim: Claim, values: float | Sequence[float]) -> Verdict:
    """Hold measured values, one a test scan, against a claim. The interval is Student's t at 95 %.

    Two values have none. It would be 12.7 standard errors wide to either side, and tell less than the values do.

    Raises:
        UserError: there are no values, or one is NaN or infinite.
    """
    measured = np.asarray(values, dtype=float).ravel()
    if measured.size == 0 or not np.isfinite(measured).all():
        raise UserError(f"claim {claim.id!r} needs finite measured values, one a test scan; got {measured}")
    return Verdict(claim, float(measured.mean()), mean_interval(measured), tuple(measured.tolist()))


def mean_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t, or None from two values or fewer."""
    if len(values) < 3:
        return None
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return float(np.mean(values) - half), float(np.mean(values) + half)


class ClaimsTable:
    """Every declared claim with its verdict: a table in a notebook, which the course page finds there.

    `measured` maps each claim's id to its values.

    Raises:
        UserError: a claim was declared and not measured, or the other way round.
    """

    def __init__(self, claims: Mapping[str, Claim], measured: Mapping[str, float | Sequence[float]]):
        if claims.keys() != measured.keys():
            odd = ", ".join(sorted(claims.keys() ^ measured.keys()))
            raise UserError(f"declared and measured claims differ in {odd}; judge all and add none")
        self.rows = [judge(claim, measured[name]) for name, claim in claims.items()]

    def verdicts(self) -> str:
        """Return a line a claim, "rss-ssim: holds": words only, for cells that nbval compares."""
        return "\n".join(f"{row.claim.id}: {row.word}" for row in self.rows)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return the table for IPython, as text, as HTML and as data for the course page."""
        return {"text/plain": str(self), "text/html": self.html(), MIME: [row.row() for row in self.rows]}

    def __str__(self) -> str:
        return "\n".join(f"{row.claim.id}: {row.claim.threshold}; {row.measured}: {row.word}" for row in self.rows)

    def html(self) -> str:
        """Return the table as HTML. The verdict is a word, not only a colour."""
        rows = [row.row() for row in self.rows]
        head = "".join(f'<th scope="col">{name}</th>' for name in rows[0])
        lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) for row in rows]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<table class="claims"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
