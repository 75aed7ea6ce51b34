"""Verdicts: what a lesson computes beside what is known, or beside the package."""

import numpy as np
import torch
from numpy.typing import ArrayLike


def agrees(computed: ArrayLike | torch.Tensor, expected: ArrayLike | torch.Tensor, tolerance: float) -> None:
    """Print "agrees to 1e-06: yes" if |computed - expected| <= tolerance * max |expected| everywhere.

    Raises:
        AssertionError: it does not, so that a lesson whose numbers are off does not run through.
    """
    a, b = (
        np.asarray(value.numpy(force=True) if isinstance(value, torch.Tensor) else value, dtype=np.complex128)
        for value in (computed, expected)
    )
    assert a.shape == b.shape, f"shapes differ: {a.shape} and {b.shape}"
    difference = float(np.abs(a - b).max() / np.abs(b).max())
    assert difference <= tolerance, f"relative difference {difference:.2g}, more than {tolerance:g}"
    print(f"agrees to {tolerance:.0e}: yes")


def holds(statement: str, condition: bool) -> None:
    """Print "statement: holds" for a statement of the lesson's text.

    Raises:
        AssertionError: the condition is false, so that a lesson whose text is wrong does not run through.
    """
    assert condition, f"{statement}: does not hold"
    print(f"{statement}: holds")
