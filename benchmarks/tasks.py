"""Segmentation with a latent against its networks alone: at most 15 % of a step, or of 32 answers, is for the rest.

The rest is the pattern, the draw of the masks, the FFT, the draw of w, and the terms of the bound.
"""

from __future__ import annotations

import torch

from benchmarks.timing import Row, alternate
from mrilab.infomri.models import LEARNED
from mrilab.infomri.tasks.elbo import CHOSEN, terms, weighted
from mrilab.infomri.tasks.latent import LATENT, LatentSegmenter
from mrilab.infomri.tasks.predict import DRAWS, answered
from mrilab.machine import multiplies_bfloat16
from mrilab.physics.fourier import fft2c

SIDE, BATCH, WIDTH = 64, 8, 16
SHARE = 0.15  # of the time, for all that is not a network


def rows() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, 1, SIDE, SIDE, generator=generator)
    z = (torch.rand(BATCH, SIDE, SIDE, generator=generator) < 0.1).float()
    full, maps = fft2c(x.to(torch.complex64)), torch.ones(BATCH, 1, SIDE, SIDE, dtype=torch.complex64)
    count = torch.full((BATCH,), SIDE**2 // 8)
    model = LatentSegmenter(LEARNED | {"shape": [SIDE, SIDE]}, WIDTH)
    lower = multiplies_bfloat16(torch.device("cpu"))
    seen = torch.cat([x, x, z[:, None]], 1)  # (n, 3, H, W)
    w = torch.randn(BATCH, LATENT, SIDE // 8, SIDE // 8)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            answer = model(full, maps, count, generator, z)
        weighted(terms(answer, z, x), CHOSEN, 1.0).backward()

    def networks() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            h = model.encode(seen[:, :2])
            outs = (model.head(h), model.head(model.encode_answer(seen)), model.decode_image(h), model.decode_answer(w))
        sum(out.float().mean() for out in outs).backward()

    @torch.no_grad()
    def floor() -> None:
        h = model.encode(seen[:, :2])
        model.head(h), model.decode_image(h), model.decode_answer(w.repeat(DRAWS, 1, 1, 1))

    size = f"batch {BATCH}, {SIDE}x{SIDE}"
    trained, step_floor = alternate(step, networks)
    model.eval()
    asked, answers_floor = alternate(lambda: answered(model, full, maps, 1 / 8, DRAWS), floor)
    return [
        Row(f"step of the bound, {size}", "its four networks", trained, step_floor, 1 / (1 - SHARE)),
        Row(f"{DRAWS} answers, {size}", "the networks that give them", asked, answers_floor, 1 / (1 - SHARE)),
    ]
