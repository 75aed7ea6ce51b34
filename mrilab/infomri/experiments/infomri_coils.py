"""Eight coils: patterns and fixed masks with the same U-Net, data and steps, on 64 test scans; see `infomri_points`.

Images have phase, and maps come from a prescan of 24 x 24 points.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.experiments.infomri_points import listed
from mrilab.infomri.measures import MEASURED, measured
from mrilab.infomri.models import COILS
from mrilab.infomri.study import trained
from mrilab.infomri.train import source_of


@experiment(
    "where to sample with eight coils: InfoMRI and fixed masks (trains a network a model)",
    MEASURED,
    lambda: listed(COILS, ()),
)
def measure(model: str, seed: int, ratio: float) -> dict[str, float]:
    """Train a model, or resume its training, and measure it on the test scans at one ratio."""
    return measured(trained(model, seed), ratio, source_of(COILS[model]).fixed("test"))
