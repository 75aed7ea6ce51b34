"""Exercises that answer: right, not attempted yet, or a hint that fits the mistake.

A lesson asks `check("01", "unfold", unfold)`. What the learner hands in is a number, a letter or a function. A stub is
`...` or a function that does nothing. Solutions and typical mistakes stand in the `exercises.py` of the lesson's
paper. A mistake is a wrong answer of the same kind as the solution. An answer with the same results gets its hint.
Mistakes that can be made in every exercise have hints here: a constant, a factor, a conjugate, a print for a return.
`reveal("01", "unfold")` prints the solution.
"""

import contextlib
import copy
import importlib
import inspect
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from mrilab.papers import LESSONS
from mrilab.paths import STUDENT

NOT_ATTEMPTED = "not attempted yet"
CORRECT = "correct"
PRINTED = "your function prints its answer and returns nothing; end it with return."


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer and what to tell whoever gives it."""

    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A question with its answer.

    solution: the number, the letter, or the function.
    why: the sentence after a correct answer.
    mistakes: typical wrong answers by name.
    cases: argument tuples to try a function on; () where the answer is no function.
    tolerance: relative to the solution's largest value.
    """

    solution: Any
    why: str
    mistakes: dict[str, Mistake] = field(default_factory=dict)
    cases: Sequence[tuple] = ()
    tolerance: float = 1e-3


def check(lesson: str, name: str, answer: Any) -> None:
    """Print the response to `answer` in exercise `name` of a lesson ("01"). A learner's error is printed, too.

    Raises:
        KeyError: the lesson has no exercise of this name.
    """
    print(f"{name}: {respond(exercises(lesson)[name], answer)}")


def reveal(lesson: str, name: str) -> None:
    """Print the solution of an exercise, or a sentence where the copies are without solutions (`mrilab lab --student`).

    The lesson's folder says so, in which its kernel starts.

    Raises:
        KeyError: the lesson has no exercise of this name.
    """
    exercise = exercises(lesson)[name]
    if STUDENT.exists():
        print(f"{name}: this copy of the course is without solutions; hand your own answer to `check`")
        return
    answer = exercise.solution
    print(inspect.getsource(answer).strip() if callable(answer) else repr(answer))
    print(f"# {exercise.why}")


def exercises(lesson: str) -> dict[str, Exercise]:
    """Return all exercises of a lesson by name."""
    paper, name = LESSONS[lesson]
    return getattr(importlib.import_module(f"mrilab.{paper}.exercises"), name)


def respond(exercise: Exercise, answer: Any) -> str:
    """Return "not attempted yet", "correct: ..." or "not yet: ..." with the hint that fits."""
    if answer is None or answer is Ellipsis:
        return NOT_ATTEMPTED
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            results = _results(exercise, answer)
    except Exception as error:  # the learner's own code: whatever it raises is printed, and Run All goes on
        return f"not yet: your code raised {type(error).__name__}: {error}"
    finally:
        print(printed.getvalue(), end="")
    if all(value is None or value is Ellipsis for value in results):
        return f"not yet: {PRINTED}" if printed.getvalue() else NOT_ATTEMPTED
    expected = _results(exercise, exercise.solution)
    if _same(results, expected, exercise.tolerance):
        return f"{CORRECT}: {exercise.why}"
    for mistake in exercise.mistakes.values():
        if _same(results, _results(exercise, mistake.answer), exercise.tolerance):
            return f"not yet: {mistake.hint}"
    return f"not yet: {_difference(results, expected)}"


def _results(exercise: Exercise, answer: Any) -> list:
    """Return the answer itself, or what it returns for every case."""
    if not exercise.cases:
        return [answer]
    if not callable(answer):
        raise TypeError("hand in the function itself, without calling it")
    return [answer(*copy.deepcopy(case)) for case in exercise.cases]


def _same(results: list, expected: list, tolerance: float) -> bool:
    return all(_close(a, b, tolerance) for a, b in zip(results, expected, strict=True))


def _close(result: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return isinstance(result, str) and result.strip().lower() == expected
    a, b = _tensor(result), _tensor(expected)
    if a is None or b is None or a.shape != b.shape:
        return False
    return bool((a - b).abs().max() <= tolerance * b.abs().max())  # False for NaN


def _tensor(value: Any) -> torch.Tensor | None:
    try:
        value = torch.stack([torch.as_tensor(v) for v in value]) if isinstance(value, tuple) else value
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    return tensor.detach().cpu().to(torch.complex128)


def _difference(results: list, expected: list) -> str:
    """Say what is wrong with an answer that no listed mistake explains."""
    if isinstance(expected[0], str):
        return f"the answer is one letter in quotes, not {results[0]!r}"
    if isinstance(expected[0], int) and _tensor(results[0]) is not None:
        return "that is not the number; read the question once more"
    for a, b in zip(map(_tensor, results), map(_tensor, expected), strict=True):
        if a is None:
            return "expected numbers; check what your function returns"
        if b is not None and a.shape != b.shape:
            return f"expected the shape {tuple(b.shape)}, got {tuple(a.shape)}"
    got, right = (torch.cat([_flat(value) for value in values]) for values in (results, expected))
    return _general_hint(got, right, _constant(results) and not _constant(expected))


def _general_hint(got: torch.Tensor, right: torch.Tensor, constant: bool) -> str:
    """Say what is wrong with the values (n,) of all cases where it is a mistake that any exercise may meet."""
    if not torch.isfinite(torch.view_as_real(got)).all():
        return "some values are not finite: look for a division by zero or the root of a negative number"
    if constant:
        return "your answer is the same whatever comes in; compute it from the arguments"
    limit = 1e-3 * float(right.abs().max())
    if float((got - right.conj()).abs().max()) <= limit:
        return "that is the complex conjugate of the answer; look at what is conjugated"
    factor = float(torch.vdot(right, got).real) / max(float(right.abs().square().sum()), 1e-30)
    if float((got - factor * right).abs().max()) <= limit:
        return f"all values are {factor:.3g} times what they should be; look for a factor"
    return "the shape is right, the values are not; try the smallest case by hand"


def _flat(value: Any) -> torch.Tensor:
    tensor = _tensor(value)
    return torch.zeros(0, dtype=torch.complex128) if tensor is None else tensor.flatten()


def _constant(values: list) -> bool:
    """Return whether there are several values and all are the same."""
    return len(values) > 1 and all(_close(value, values[0], 1e-6) for value in values[1:])
