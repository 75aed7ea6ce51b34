"""What the training of the model with a latent is followed by, a row every 500 steps: fig. 14 of Peng et al. 2026."""

from collections.abc import Mapping

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.stages import INFOMRI
from mrilab.infomri.tasks.study import history
from mrilab.infomri.tasks.train import SETTINGS, BoundTask

SEED = 1  # the one of seed 0 ships, and its training is over


@experiment(
    "segmentation with a latent: terms of the bound over the training (trains one network)",
    BoundTask.followed,
    lambda: [(step,) for step in range(SETTINGS.validate_every, INFOMRI.steps + 1, SETTINGS.validate_every)],
)
def measure(step: int) -> Mapping[str, float]:
    """Return what the second stage of the training of seed 1 was followed by after so many steps."""
    rows = history("infomri", SEED).set_index("step")
    return {name: float(rows[name][step]) for name in BoundTask.followed}
