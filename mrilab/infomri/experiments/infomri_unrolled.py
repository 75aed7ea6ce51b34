"""Points with an unrolled network, ISTA-Net+, at the ratios of table I, on 128 test heads; see `infomri_points`."""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.experiments.infomri_points import listed
from mrilab.infomri.measures import MEASURED, measured
from mrilab.infomri.models import UNROLLED_MODELS
from mrilab.infomri.study import trained
from mrilab.infomri.train import source_of


@experiment(
    "where to sample with an unrolled network: losses, radial and PUERT-like masks (trains a network a model)",
    MEASURED,
    lambda: listed(UNROLLED_MODELS, ()),
)
def measure(model: str, seed: int, ratio: float) -> dict[str, float]:
    """Train a model, or resume its training, and measure it on the test heads at one ratio."""
    return measured(trained(model, seed), ratio, source_of(UNROLLED_MODELS[model]).fixed("test"))
