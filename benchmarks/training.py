"""Training slices on the fly against the training step that must not wait for them: 0.5 s at batch 8 and 128x128."""

from __future__ import annotations

import torch

from benchmarks.timing import Row, alternate
from mrilab.data import brain_slices

STEP = 0.5  # s


def rows() -> list[Row]:
    table = []
    for distribution in ("clinical", "randomised"):
        generator = torch.Generator().manual_seed(0)
        (seconds,) = alternate(
            lambda d=distribution, g=generator: brain_slices(8, (128, 128), distribution=d, generator=g), rounds=9
        )
        work = f"8 training slices, 128x128, {distribution}"
        table.append(Row(work, "a training step of 0.5 s", seconds, STEP, 1.0))
    return table
