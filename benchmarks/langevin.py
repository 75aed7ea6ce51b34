"""Langevin sampling against its network calls alone: what is not the network has to stay within 5 %."""

from __future__ import annotations

import torch

from benchmarks.problem import line_mask, phantom_scan
from benchmarks.timing import Row, alternate
from mrilab.csgm.langevin import RELATIVE_STEP, STEPS_PER_LEVEL, annealed_langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.csgm.prior import ScorePrior
from mrilab.physics import SenseModel, complex_noise

LEVELS = 4


def rows() -> list[Row]:
    table = []
    for side, samples in ((128, 8), (256, 2)):
        kspace, maps = phantom_scan(side)
        mask = line_mask(side)
        model, y = SenseModel(maps, mask), kspace * mask
        prior = ScorePrior("score-t2")
        schedule = geometric_levels(0.1, prior.sigma_min, LEVELS)
        settings = {"step_lr": RELATIVE_STEP * prior.sigma_min**2, "steps_per_level": STEPS_PER_LEVEL}
        x = complex_noise((samples, side, side))

        def ours(y=y, model=model, prior=prior, schedule=schedule, settings=settings, samples=samples):
            generator = torch.Generator().manual_seed(0)
            return annealed_langevin(prior, y, model, schedule, generator=generator, samples=samples, **settings)

        def floor(prior=prior, schedule=schedule, x=x):
            with torch.inference_mode():
                for sigma in [*schedule.tolist() * STEPS_PER_LEVEL, float(schedule[-1])]:  # and the final denoising
                    prior(x, sigma)

        seconds, network = alternate(ours, floor, rounds=5)
        work = f"Langevin, {samples} samples, {side}x{side}, 8 coils, {LEVELS * STEPS_PER_LEVEL} steps"
        table.append(Row(work, "its network calls alone", seconds, network, 1.05))
    return table
