"""What `mrilab recon` offers from this lesson: the diffusion sampler without guidance."""

import torch
from torch import Tensor

from mrilab.csgm.prior import ScorePrior
from mrilab.machine import Precision
from mrilab.methods.registry import Progress, Reconstruction, method, posterior_summary
from mrilab.physics import SenseModel
from mrilab.sgr.dds import ITERATIONS, RELATIVE_NOISE, START, STEPS, DataStep, Grid, LastStep, Split, run_chain
from mrilab.sgr.sampling import Sampling, Scale


@method("dds")
def dds(
    y: Tensor,
    model: SenseModel,
    *,
    generator: torch.Generator,
    progress: Progress,
    samples: int = 8,
    prior: str = "score-heads",
    grid: Grid = "geometric",
    steps: int = STEPS,
    start: float = START,
    data_step: DataStep = "proximal",
    last_step: LastStep = "released",
    iterations: int = ITERATIONS,
    relative_noise: float = RELATIVE_NOISE,
    eta: float = 1.0,
    split: Split = "ddim",
    scale: Scale = "pilot",
    precision: Precision = "auto",
) -> Reconstruction:
    """Draw images by a diffusion with data consistency (DDS with DDIM's eta); the result is their mean.

    grid: steps geometric in sigma from `start`, or uniform in t. data_step: proximal weighs the network's estimate
    against the data by relative_noise, the noise of y over the 0.99 quantile of the image; cg fits the data by that
    many iterations; released takes one step of descent. last_step: the same for the last, or least-squares. eta: 1
    draws the noise of DDPM anew, 0 none. split: ddim, or DDS's constant split. Lesson 4 explains each.
    """
    score = ScorePrior(prior, y.device, precision)
    sampling = Sampling(grid, steps, start, data_step, last_step, eta, split, iterations, relative_noise)
    times = sampling.times(score)
    chain, q = sampling.chain(score, y, model, generator, scale)
    images = run_chain(chain, times, samples, generator, progress=progress)  # (samples, H, W)
    return posterior_summary(images * q)
