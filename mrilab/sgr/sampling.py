"""From a measurement to a chain: the settings of a sampler, the prior by name, and the unit of the data."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from mrilab.csgm.prior import PILOT_SHARE, ScorePrior
from mrilab.methods.registry import scaled
from mrilab.physics import SenseModel
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.dds import (
    ITERATIONS,
    RELATIVE_NOISE,
    START,
    STEPS,
    Chain,
    DataStep,
    Grid,
    LastStep,
    Split,
    run_chain,
    time_grid,
)

Scale = Literal["pilot", "zero-filled"]


@dataclass(frozen=True)
class Sampling:
    """How to sample; each value is explained where it is used, in `Chain` and `time_grid`."""

    grid: Grid = "geometric"
    steps: int = STEPS
    start: float = START
    data: DataStep = "proximal"
    last: LastStep = "released"
    eta: float = 1.0
    split: Split = "ddim"
    iterations: int = ITERATIONS
    relative_noise: float = RELATIVE_NOISE

    def times(self, prior: ScorePrior) -> Tensor:
        """Return abar of the steps, (steps,). Raises UserError as `time_grid` does."""
        return time_grid(self.grid, self.steps, self.start, prior.sigma_min, prior.sigma_max)

    def chain(
        self, prior: ScorePrior, y: Tensor, model: SenseModel, generator: torch.Generator, scale: Scale = "pilot"
    ) -> tuple[Chain, Tensor]:
        """Return the chain for k-space y (*batch, coil, H, W), and the unit q of its images, (*batch, 1, 1).

        q is the 0.99 quantile of the zero-filled image, or with "pilot" that of the image of one chain with a quarter
        of the steps: the former is too small where much is missing.

        Raises:
            UserError: data without a signal, or settings that no chain can use.
        """
        adjoint, q = scaled(y, model, None)  # (*batch, H, W), (*batch, 1, 1)
        chain = Chain(
            prior.denoise,
            adjoint,
            model,
            prior.network.sigma_data,
            self.relative_noise,
            self.data,
            self.last,
            self.eta,
            self.split,
            self.iterations,
        )
        if scale == "zero-filled":
            return chain, q
        few = replace(self, steps=max(2, self.steps // PILOT_SHARE)).times(prior)
        larger = quantile_scale(run_chain(chain, few, 1, generator)[0])  # (*batch, 1, 1)
        return replace(chain, adjoint=adjoint / larger), q * larger
