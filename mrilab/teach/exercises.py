"""Exercises that answer: right, not attempted yet, or a hint that fits the mistake.

A lesson asks `check("01", "unfold", unfold)`. What the learner hands in is a number, a letter or a function; a stub is
`...` or a function that returns None. Solutions and typical mistakes stand in the `exercises.py` of the lesson's
paper. A mistake is a wrong answer of the same kind as the solution; whoever hands in something that gives the same
results as it gets its hint.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from mrilab.papers import LESSONS

NOT_ATTEMPTED = "not attempted yet"
CORRECT = "correct"


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer and what to tell whoever gives it."""

    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A question with its answer.

    solution: the number, the letter, or the function.
    cases: argument tuples to try a function on; () where the answer is no function.
    mistakes: by name. why: said after a correct answer. tolerance: relative, against the solution's largest value.
    """

    solution: Any
    why: str
    mistakes: dict[str, Mistake] = field(default_factory=dict)
    cases: Sequence[tuple] = ()
    tolerance: float = 1e-3


def check(lesson: str, name: str, answer: Any) -> None:
    """Print the response to `answer` in exercise `name` of a lesson ("01"); a learner's error is printed, too."""
    print(f"{name}: {respond(find_exercise(lesson, name), answer)}")


def find_exercise(lesson: str, name: str) -> Exercise:
    """Return an exercise of a lesson. Raises KeyError if the lesson has none of this name."""
    return exercises(lesson)[name]


def exercises(lesson: str) -> dict[str, Exercise]:
    """All exercises of a lesson by name."""
    paper, name = LESSONS[lesson]
    return getattr(importlib.import_module(f"mrilab.{paper}.exercises"), name)


def respond(exercise: Exercise, answer: Any) -> str:
    """ "not attempted yet", "correct: ..." or "not yet: ..." with the hint that fits."""
    if answer is None or answer is Ellipsis:
        return NOT_ATTEMPTED
    try:
        given = _results(exercise, answer)
    except Exception as error:  # the learner's own code: whatever it raises is told, and Run All goes on
        return f"not yet: your code raised {type(error).__name__}: {error}"
    if all(value is None or value is Ellipsis for value in given):
        return NOT_ATTEMPTED
    expected = _results(exercise, exercise.solution)
    if _same(given, expected, exercise.tolerance):
        return f"{CORRECT}: {exercise.why}"
    for mistake in exercise.mistakes.values():
        if _same(given, _results(exercise, mistake.answer), exercise.tolerance):
            return f"not yet: {mistake.hint}"
    return f"not yet: {_difference(given, expected)}"


def _results(exercise: Exercise, answer: Any) -> list:
    """The answer itself, or what it returns for every case."""
    if not exercise.cases:
        return [answer]
    if not callable(answer):
        raise TypeError("hand in the function itself, without calling it")
    return [answer(*_copies(case)) for case in exercise.cases]


def _copies(case: tuple) -> list:
    return [value.clone() if isinstance(value, torch.Tensor) else value for value in case]


def _same(given: Sequence, expected: Sequence, tolerance: float) -> bool:
    return all(_close(a, b, tolerance) for a, b in zip(given, expected, strict=True))


def _close(given: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return isinstance(given, str) and given.strip().lower() == expected
    given, expected = _tensor(given), _tensor(expected)
    if given is None or given.shape != expected.shape:
        return False
    return bool((given - expected).abs().max() <= tolerance * expected.abs().max())  # False for NaN


def _tensor(value: Any) -> torch.Tensor | None:
    try:
        value = torch.stack([torch.as_tensor(v) for v in value]) if isinstance(value, tuple) else value
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    return tensor.detach().cpu().to(torch.complex128)


def _difference(given: Sequence, expected: Sequence) -> str:
    """What is wrong with an answer that no listed mistake explains."""
    if isinstance(expected[0], str):
        return f"the answer is one letter in quotes, not {given[0]!r}"
    if isinstance(expected[0], int) and _tensor(given[0]) is not None:
        return "that is not the number; read the question once more"
    for a, b in zip(given, expected, strict=True):
        a, b = _tensor(a), _tensor(b)
        if a is None:
            return "expected numbers; check what your function returns"
        if a.shape != b.shape:
            return f"expected the shape {tuple(b.shape)}, got {tuple(a.shape)}"
    return "the shape is right, the values are not; try the smallest case by hand"
