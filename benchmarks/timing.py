"""Times that can be compared: candidates take turns, so that a busy moment hits all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Row:
    """One line of a table: `seconds` of ours over `floor_seconds` of what it is measured against."""

    work: str
    against: str
    seconds: float
    floor_seconds: float
    target: float | None  # none for a number that is only to be known
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor_seconds


def alternate(*candidates: Callable[[], object], rounds: int = 15) -> list[float]:
    """Median seconds of each candidate over `rounds` rounds in which each runs twice and the second run counts."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    times: list[list[float]] = [[] for _ in candidates]
    for _ in range(rounds):
        for mine, candidate in zip(times, candidates, strict=True):
            candidate()  # wakes its own worker threads, and lets those of the one before fall asleep
            wait()
            start = time.perf_counter()
            candidate()
            wait()
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in times]
