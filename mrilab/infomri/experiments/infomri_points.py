"""Points: patterns, losses, estimators and baselines with the same U-Net, data and steps, on 128 test heads.

A case is a model, a seed and a ratio; the cases of a model and seed share one training. Models with three seeds come
first. Every mask has exactly the same number of samples at a ratio. The test heads are reconstructed once.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.measures import MEASURED, measured
from mrilab.infomri.models import POINTS, Model
from mrilab.infomri.study import trained
from mrilab.infomri.train import source_of

SEEDS = (0, 1, 2)
THREE = (
    "points", "points-closed-form", "points-nll", "points-mse", "points-uniform", "points-rescale",
    "points-loupe-12.5", "points-variable-density",
)  # fmt: skip
LAST = ("points-rescale-longer", "points-poisson", "points-embedding-1", "points-embedding-32")


def listed(models: dict[str, Model], three: tuple[str, ...], last: tuple[str, ...] = ()) -> list[tuple]:
    """Return the cases (model, seed, ratio): `three` with all seeds, the rest with one, those of `last` last."""
    one = [name for name in models if name not in three + last]
    runs = [(name, seed) for seed in SEEDS for name in three]
    # the first seed of everything before the others: stopped early, it is still of use
    runs = runs[: len(three)] + [(name, 0) for name in one] + runs[len(three) :] + [(name, 0) for name in last]
    return [(name, seed, ratio) for name, seed in runs for ratio in models[name].tested]


@experiment(
    "where to sample, points: InfoMRI, its losses and estimators, and baselines (trains a network a model and seed)",
    MEASURED,
    lambda: listed(POINTS, THREE, LAST),
)
def measure(model: str, seed: int, ratio: float) -> dict[str, float]:
    """Train a model, or resume its training, and measure it on the test heads at one ratio."""
    return measured(trained(model, seed), ratio, source_of(POINTS[model]).fixed("test"))
