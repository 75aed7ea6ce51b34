import copy

import nbformat
import pytest
import torch

from mrilab.paths import NOTEBOOKS, STUDENT
from mrilab.physics import ifft2c
from mrilab.teach.exercises import (
    CORRECT,
    NOT_ATTEMPTED,
    PRINTED,
    Exercise,
    Mistake,
    check,
    exercises,
    respond,
    reveal,
)

LESSONS = ("00", "01", "01b", "02", "03", "04", "05", "05b")
ALL = [(lesson, name) for lesson in LESSONS for name in exercises(lesson)]
MISTAKES = [(*key, mistake) for key in ALL for mistake in exercises(key[0])[key[1]].mistakes]


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_solution_passes_and_stub_is_not_attempted(lesson, name):
    exercise = exercises(lesson)[name]
    assert respond(exercise, exercise.solution) == f"{CORRECT}: {exercise.why}"
    for stub in (..., None, lambda *arguments: None, lambda *arguments: ...):
        if exercise.cases or not callable(stub):
            assert respond(exercise, stub) == NOT_ATTEMPTED


@pytest.mark.parametrize(("lesson", "name", "mistake"), MISTAKES)
def test_every_mistake_gets_its_own_hint(lesson, name, mistake):
    exercise = exercises(lesson)[name]
    assert respond(exercise, exercise.mistakes[mistake].answer) == f"not yet: {exercise.mistakes[mistake].hint}"


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_other_wrong_answers_are_told_what_is_wrong(lesson, name):
    exercise = exercises(lesson)[name]
    if isinstance(exercise.solution, str):
        assert "one letter" in respond(exercise, "z")
        assert "one letter" in respond(exercise, 3)
    elif isinstance(exercise.solution, int):
        assert "not the number" in respond(exercise, exercise.solution + 1)
        assert "expected numbers" in respond(exercise, "many")
    else:
        assert "1.37 times" in respond(exercise, lambda *a: _scaled(exercise.solution(*a)))
        assert "shape" in respond(exercise, lambda *a: torch.zeros(7, 3, 2))
        assert "expected numbers" in respond(exercise, lambda *a: "forty-two")
        assert "without calling it" in respond(exercise, 3.0)


FUNCTIONS = [key for key in ALL if key[0] in ("00", "01") and exercises(key[0])[key[1]].cases]
FALL_BACK = "the values are not"


@pytest.mark.parametrize(("lesson", "name"), FUNCTIONS)
def test_answers_that_look_right_in_one_case_are_told_apart(lesson, name):
    exercise = exercises(lesson)[name]
    first = exercise.solution(*copy.deepcopy(exercise.cases[0]))
    said = respond(exercise, lambda *arguments: first)
    assert said.startswith("not yet"), "the answer to the first case passes for all"


@pytest.mark.parametrize("name", [name for lesson, name in FUNCTIONS if lesson == "01"])
@pytest.mark.parametrize("factor", [2, 0.5, 2**0.5, 0.5**0.5, -1])
def test_a_factor_is_named(name, factor):
    exercise = exercises("01")[name]

    def off(*arguments):
        result = exercise.solution(*arguments)
        return tuple(factor * value for value in result) if isinstance(result, tuple) else factor * result

    said = respond(exercise, off)
    assert said.startswith("not yet") and FALL_BACK not in said


@pytest.mark.parametrize("name", [name for lesson, name in FUNCTIONS if lesson == "01"])
def test_a_print_for_a_return_and_a_conjugate_are_named(name):
    exercise = exercises("01")[name]
    assert "end it with return" in respond(exercise, lambda *arguments: print(exercise.solution(*arguments)))
    results = [torch.as_tensor(exercise.solution(*copy.deepcopy(case))) for case in exercise.cases]
    if any(result.is_complex() for result in results):
        assert "conjugate" in respond(exercise, lambda *arguments: exercise.solution(*arguments).conj())
        assert "not finite" in respond(exercise, lambda *arguments: exercise.solution(*arguments) / 0)


@pytest.mark.parametrize(
    ("name", "wrong", "hint"),
    [
        ("effective", lambda mask, shape: 4, "whatever comes in"),
        ("effective", lambda mask, shape: 4.0, "whatever comes in"),
        ("adjoint", lambda y, s, p: (s.conj() * ifft2c(p * y)).sum(0) / s.abs().square().sum(0), "divides by nothing"),
        ("adjoint", lambda y, s, p: (s * ifft2c(p * y)).sum(0), "conjugate the maps"),
        ("g-factor", lambda s: torch.ones(2), "whatever comes in"),
    ],
)
def test_answers_that_once_passed_fail_with_a_hint(name, wrong, hint):
    said = respond(exercises("01")[name], wrong)
    assert said.startswith("not yet") and hint in said, said


def test_a_learners_error_is_told_and_not_raised(capsys):
    def broken(*arguments):
        raise ZeroDivisionError("float division by zero")

    check("01", "null-time", broken)
    assert capsys.readouterr().out == "null-time: not yet: your code raised ZeroDivisionError: float division by zero\n"


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_the_solution_is_revealed_but_not_in_a_students_folder(lesson, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    reveal(lesson, name)
    shown, exercise = capsys.readouterr().out, exercises(lesson)[name]
    assert shown.endswith(f"# {exercise.why}\n")
    assert ("return" in shown or "lambda" in shown) if callable(exercise.solution) else repr(exercise.solution) in shown
    (tmp_path / STUDENT).parent.mkdir()
    (tmp_path / STUDENT).touch()
    reveal(lesson, name)
    refused = capsys.readouterr().out
    assert refused.startswith(f"{name}: this copy of the course is without solutions") and refused.count("\n") == 1
    assert exercise.why not in refused


def test_nan_is_wrong_and_arguments_are_copies():
    exercise = Exercise(lambda x: x + 1, "why", {"same": Mistake(lambda x: x, "add one")}, cases=[(torch.ones(2),)])
    assert "not finite" in respond(exercise, lambda x: x * float("nan"))
    assert respond(exercise, lambda x: x.add_(1)).startswith(CORRECT)  # a fresh argument each time
    assert respond(exercise, lambda x: x) == "not yet: add one"


@pytest.mark.parametrize(("lesson", "name"), [key for key in ALL if exercises(key[0])[key[1]].cases])
def test_an_answer_that_is_only_printed_gets_its_own_hint(lesson, name, capsys):
    exercise = exercises(lesson)[name]
    assert respond(exercise, lambda *arguments: print("42", arguments)) == f"not yet: {PRINTED}"
    assert capsys.readouterr().out.startswith("42")  # what a learner prints is shown


@pytest.mark.parametrize("lesson", [path.name.split("_")[0] for path in sorted(NOTEBOOKS.glob("*.ipynb"))])
def test_the_notebook_asks_every_exercise_and_its_stubs_are_untouched(lesson, capsys):
    path = next(NOTEBOOKS.glob(f"{lesson}_*.ipynb"))
    cells = [cell for cell in nbformat.read(path, 4).cells if "exercise" in cell.metadata.get("tags", [])]
    for cell in cells:
        exec(compile(cell.source, path.name, "exec"), {"check": check, "torch": torch})
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed) == sorted(f"{name}: {NOT_ATTEMPTED}" for name in exercises(lesson))


def _scaled(result):
    return tuple(1.37 * value for value in result) if isinstance(result, tuple) else 1.37 * result
