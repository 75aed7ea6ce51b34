"""What lesson 4 trains: a diffusion prior by epsilon matching."""

from functools import partial

from torch import Tensor

from mrilab.csgm.denoiser import Weight
from mrilab.csgm.train import CLINICAL, PROFILES, ScoreTask
from mrilab.sgr.diffusion import alpha_bar, last_step, sigma_of
from mrilab.training.tasks import Trainable


class DiffusionTask(ScoreTask):
    """A score network that is trained by epsilon matching (3): t is uniform, and the weight is 1 / sigma^2."""

    weight: Weight = "epsilon"

    def __init__(self, name: str, distribution: str, contrast: str | None, side: int, width: int, seed: int = 0):
        super().__init__(name, distribution, contrast, side, width, seed)
        for key in ("sigma_start", "below_start"):
            self.config.pop(key)
        self.config |= {"sigma_min": float(sigma_of(alpha_bar()[0])), "last_step": last_step(self.sigma_max)}
        self.config |= {"weight": self.weight}

    def _sigma(self, u: Tensor) -> Tensor:
        """Return the noise of the step t at the quantile `u`, with t uniform up to the largest noise of the data."""
        t = (u * (last_step(self.sigma_max) + 1)).long()
        return sigma_of(alpha_bar())[t].to(u)


TASKS = {
    "diffusion-t2": Trainable(partial(DiffusionTask, "diffusion-t2", "clinical", "t2"), CLINICAL, PROFILES),
}
