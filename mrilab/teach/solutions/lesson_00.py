"""Lesson 0: the one exercise that shows how exercises work."""

from __future__ import annotations

from mrilab.teach.exercises import Exercise, Mistake

EXERCISES = {
    "first": Exercise(
        96,
        "a quarter of 128 lines is 32; the other 96 are never measured.",
        {"measured": Mistake(32, "those are the lines that are measured; how many are not?")},
    ),
}
