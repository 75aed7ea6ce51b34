"""Lesson 2. Score priors and posterior sampling by Langevin dynamics, after Jalal et al. (NeurIPS 2021), "CSGM".

    (1)         score of a smoothed mixture            methods.exact.Mixture.score
    (2, 3, 10)  Langevin step, data term, Equation 4   langevin.annealed_langevin
    (4)         score from a denoiser, by Tweedie      denoiser.Denoiser.score
    (5, 6)      denoising score matching, its weight   denoiser.denoising_loss
    (7)         network with its scales taken out      denoiser.Denoiser.forward
    (8)         ratio of neighbouring noise levels     levels.level_ratio
    (9, 11)     variance after some steps, and many    levels.relative_step
    (12)        data consistency of MoDL               nets.consistency.consistent
    (13)        cascade of E2E-VarNet                  baselines.varnet.VarNet.forward

`ddim` samples with the same prior in few steps. `theory` holds the theorems of section 2.11.
"""

from mrilab.csgm.denoiser import denoising_loss
from mrilab.csgm.langevin import GAMMA_RATIO, LEVELS, RELATIVE_STEP, START, STEPS_PER_LEVEL, annealed_langevin
from mrilab.csgm.lesion import lesion_contrast, plant_lesion
from mrilab.csgm.levels import geometric_levels, largest_distance, level_count, level_ratio, relative_step
from mrilab.csgm.prior import ScorePrior
from mrilab.csgm.theory import (
    best_success,
    fourier_rows,
    gaussian_rows,
    measurements_needed,
    posterior_after,
    posterior_sampling_success,
    trimmed_wasserstein,
)
