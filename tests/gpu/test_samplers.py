"""Every sampler, seeded, on the device against the CPU: the noise is drawn on the CPU, so that it is the same."""

import pytest
import torch

from mrilab.csgm.ddim import noise_flow
from mrilab.csgm.langevin import annealed_langevin
from mrilab.csgm.levels import geometric_levels
from mrilab.physics import SenseModel, equispaced_mask

pytestmark = pytest.mark.gpu(on_cpu=True)
SIDE = 32
MASK = equispaced_mask((SIDE, SIDE), 3, acs=8)
LEVELS = geometric_levels(1.0, 0.05, 12)
ITERATED = {"float64": 1e-11, "float32": 1e-4}


def white_score(x, sigma):
    """The score of images that are white noise of unit variance, smoothed by sigma."""
    return -x / (1 + sigma**2)


def white_mean(x, sigma):
    """Their mean given x."""
    return x / (1 + sigma**2)


def settings():
    return {"generator": torch.Generator().manual_seed(0), "samples": 3}


SAMPLERS = {
    "annealed Langevin": lambda y, model: annealed_langevin(
        white_score, y, model, LEVELS, step_lr=0.2 * 0.05**2, noise_std=0.01, **settings()
    ),
    "DDIM": lambda y, model: noise_flow(white_mean, y, model, LEVELS, spread=1.0, eta=0.0, **settings()),
    "DDIM, noise drawn anew": lambda y, model: noise_flow(
        white_mean, y, model, LEVELS, spread=1.0, eta=1.0, **settings()
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(name, compare, problem):
    y, mask, maps, _ = problem(MASK, (SIDE, SIDE), coils=4, n=2)
    compare(name, lambda place: SAMPLERS[name](place(y), SenseModel(place(maps), mask)), **ITERATED)
