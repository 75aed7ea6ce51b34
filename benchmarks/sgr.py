"""Steps of SGR against their networks and A^H A alone: what is neither has to stay within 5 %. And the peak memory."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.problem import phantom_scan, point_mask
from benchmarks.timing import Row, alternate
from mrilab.anatomy.lesions import LABELS
from mrilab.csgm.prior import ScorePrior
from mrilab.physics import SenseModel
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.bounds import guided_bounds
from mrilab.sgr.dds import Chain, time_grid
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.segmentation import Segmenter

SIDE, SIGMA = 128, 0.1
ABAR, BEFORE = 1 / (1 + SIGMA**2), 1 / (1 + (0.8 * SIGMA) ** 2)
MEMORY = 2500  # MB that both bounds of one class may take at most


def problem() -> tuple[ScorePrior, Segmenter, Chain]:
    """The shipped prior, the segmentation network of the paper as built, and the chain of a scan of 8 coils."""
    kspace, maps = phantom_scan(SIDE)
    model = SenseModel(maps, point_mask(SIDE))
    adjoint = model.adjoint(kspace * model.mask)
    prior, segmenter = ScorePrior("score-t2"), Segmenter(LABELS[1:]).eval().requires_grad_(False)
    return prior, segmenter, Chain(prior.denoise, adjoint / quantile_scale(adjoint), model, prior.network.sigma_data)


def rows() -> list[Row]:
    prior, segmenter, chain = problem()
    noise = complex_noise((2, SIDE, SIDE), torch.Generator().manual_seed(0))
    x_t = ABAR**0.5 * chain.adjoint + (1 - ABAR) ** 0.5 * noise  # of both bounds

    def unguided() -> None:
        with torch.no_grad():
            eps, x0 = chain.unguided(x_t, ABAR)
            chain.previous(x0, eps, noise, ABAR, BEFORE)

    def guided(guidance: Guidance) -> None:
        with torch.no_grad():
            push, eps, x0 = guidance(chain, x_t, ABAR)
            chain.previous(x0, eps + push, noise, ABAR, BEFORE)

    def transforms(x: Tensor) -> Tensor:
        """As many A^H A as a data step takes, one after the other."""
        for _ in range(1 + chain.iterations):
            x = chain.model.normal(x)
        return x

    def forward() -> None:
        with torch.no_grad():
            transforms(prior.denoise(x_t, SIGMA))

    def both_ways(through: str) -> None:
        whole = through == "step"
        for part in (lambda x: prior.denoise(x, SIGMA), transforms, segmenter):
            back = whole or part in (transforms, segmenter)
            with torch.set_grad_enabled(back):
                x = x_t.detach().requires_grad_(back)
                out = part(x)
            if back:
                torch.autograd.grad(out, x, torch.ones_like(out))

    work, against = f"both bounds, {SIDE}x{SIDE}, 8 coils, a step", "its networks and A^H A alone"
    seconds, floor = alternate(unguided, forward, rounds=7)
    table = [Row(f"{work} unguided", against, seconds, floor, 1.05)]
    peak = peak_memory()
    for through, note in (("step", f"peak {peak:.0f} MB, target {MEMORY}"), ("data", "")):
        guidance = Guidance(segmenter, [2], 0.02, through=through)
        seconds, floor = alternate(lambda g=guidance: guided(g), lambda t=through: both_ways(t), rounds=7)
        table.append(Row(f"{work} through the {through}", against, seconds, floor, 1.05, note))
    return table


def peak_memory() -> float:
    """Peak resident memory, in MB, of a process that draws both bounds of one class and nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_bounds)


def _bounds() -> float:
    prior, segmenter, chain = problem()
    grid = time_grid("geometric", 3, 1.2, prior.sigma_min, prior.sigma_max)
    guided_bounds(chain, grid, Guidance(segmenter, [2], 0.02), torch.Generator().manual_seed(0))
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM:")).split()[1]) / 1e3
