"""A training step of lesson 5 with a learned pattern against the same with a given mask: at most 15 % is for it.

The numbers of tries are those of a training: masks may be off by eps = 1e-3 of all positions.
"""

from __future__ import annotations

import torch

from benchmarks.timing import Row, alternate
from mrilab.infomri.losses import beta_nll
from mrilab.infomri.models import TESTED, UNET
from mrilab.infomri.normalisation import NORMALISATIONS
from mrilab.infomri.sampling import Learned
from mrilab.infomri.unet import UnetPosterior
from mrilab.machine import multiplies_bfloat16
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c

SIDE, BATCH = 64, 8
SHARE = 0.15  # of a training step, for pattern and draw


def rows() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, 1, SIDE, SIDE, generator=generator)
    full, maps = fft2c(x.to(torch.complex64)), torch.ones(1, SIDE, SIDE, dtype=torch.complex64)
    count = torch.linspace(TESTED[0] * SIDE**2, TESTED[-1] * SIDE**2, BATCH).long()
    given = (torch.rand(BATCH, SIDE, SIDE, generator=generator) < 0.15).float()
    net = UnetPosterior(UNET["parts"])
    lower = multiplies_bfloat16(torch.device("cpu"))

    def step(mask: torch.Tensor) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            beta_nll(net(full, SenseModel(maps, mask)), x).backward()

    table = []
    for name in NORMALISATIONS:
        learned = Learned((SIDE, SIDE), normalisation=name, slope=5.0).train()
        tries: list[float] = []

        def with_pattern(learned: Learned = learned, tries: list[float] = tries) -> None:
            mask, _, drawn = learned(count, generator)
            tries.append(float(drawn.mean()))
            step(mask)

        seconds, floor = alternate(with_pattern, lambda: step(given))
        note = f"{sum(tries) / len(tries):.1f} tries a mask"
        work = f"step of a U-Net, batch {BATCH}, {SIDE}x{SIDE}, pattern '{name}'"
        table.append(Row(work, "the same with a mask that is given", seconds, floor, 1 / (1 - SHARE), note))
    return table
