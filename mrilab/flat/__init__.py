"""Lesson 3. Unrolled networks are conditional probability flows, after Qi et al. (arXiv 2512.03020), "FLAT".

    (1)     velocity of the conditional flow           flow.GaussianFlow.velocity
    (2)     velocity from the score                    flow.GaussianFlow.velocity_from_score
    (3)     Euler's steps are relaxation               flow.euler
    (4)     denoiser and evidence of the data          flow.GaussianFlow.denoise_by_evidence
    (5)     denoiser of a Gaussian                     flow.GaussianFlow.denoise
    (6)     block of MoDL, by conjugate gradients      nets.consistency.consistent
    (7)     single gradient step to the data           flow.data_step
    (8, 9)  cascade of an unrolled network             flow.cascade
    (10)    expected error without noise in the start  flow.GaussianFlow.expected_error

`spectrum` has the same flow frequency by frequency, `network` learns it, and `stability` measures it.
"""

from mrilab.flat.flow import GaussianFlow, cascade, data_step, euler, relaxations, time_grid
from mrilab.flat.losses import aligned
from mrilab.flat.network import FLAT
from mrilab.flat.spectrum import power_law
