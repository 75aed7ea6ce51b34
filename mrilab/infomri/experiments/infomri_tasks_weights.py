"""Which weights of (44) do, on 64 validation heads: table XI of Peng et al. 2026, for our own sums.

Shorter trainings than the main ones. The paper's weights, 1/50/1, stand at the end.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.measures import by_head
from mrilab.infomri.tasks.predict import DRAWS, answered
from mrilab.infomri.tasks.scans import MassHeads
from mrilab.infomri.tasks.stages import ACCELERATIONS, WEIGHTS
from mrilab.infomri.tasks.study import trained_stage

MEASURED = ("ged", "dice", "spread", "brier")


@experiment(
    "segmentation with a latent: weights of the bound, on validation heads (trains eleven networks)",
    MEASURED,
    lambda: [(name, acceleration) for name in WEIGHTS for acceleration in ACCELERATIONS],
)
def measure(weights: str, acceleration: int) -> dict[str, float]:
    """Train with these weights, or resume the training, and measure on validation heads at one acceleration."""
    network, cases = trained_stage(f"weights-{weights}", 0), MassHeads().fixed("val")
    found = by_head(answered(network, cases.full, cases.maps, 1 / acceleration, DRAWS), cases.outlines)
    return {name: float(found[name].mean()) for name in MEASURED}
