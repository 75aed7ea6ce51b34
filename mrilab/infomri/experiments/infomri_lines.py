"""Lines: patterns and baselines with the same U-Net, data and steps, on 128 test heads; see `infomri_points`."""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.experiments.infomri_points import listed
from mrilab.infomri.measures import MEASURED, measured
from mrilab.infomri.models import LINES
from mrilab.infomri.study import trained
from mrilab.infomri.train import source_of

THREE = ("lines", "lines-closed-form", "lines-equispaced", "lines-random", "lines-loupe-12.5")
LAST = ("lines-policy",)


@experiment(
    "where to sample, lines: InfoMRI and baselines (trains a network a model and seed)",
    MEASURED,
    lambda: listed(LINES, THREE, LAST),
)
def measure(model: str, seed: int, ratio: float) -> dict[str, float]:
    """Train a model, or resume its training, and measure it on the test heads at one ratio."""
    return measured(trained(model, seed), ratio, source_of(LINES[model]).fixed("test"))
