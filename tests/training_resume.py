"""Compares the states of two trainings, for the tests of tasks."""

import torch
from safetensors.torch import load_file

from mrilab.training.engine import STATE


def assert_same_state(folder, other, atol=1e-6):
    """Raise AssertionError where a tensor of the two states differs by more than `atol`."""
    first, second = load_file(folder / STATE), load_file(other / STATE)
    assert first.keys() == second.keys() and any(name.startswith("optimizer.") for name in first)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=atol, rtol=0, msg=lambda text, at=name: f"{at}: {text}")
