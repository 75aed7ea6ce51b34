"""Heads with nothing, one mass, or several spots, from one in eight samples, as table V of Peng et al. 2026."""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.attack import STRONGEST, WEAKER
from mrilab.infomri.tasks.classifiers import HEADS
from mrilab.infomri.tasks.study_classes import MEASURED, attacked


@experiment(
    "classification of heads and privacy: betas, baselines, three attackers each (trains 7 classifiers)",
    MEASURED,
    lambda: [(model, 0, attacker) for attacker in (STRONGEST, *WEAKER) for model in HEADS],
)
def measure(model: str, seed: int, attacker: str) -> dict[str, float]:
    """Train a classifier, or resume its training, attack what it samples, and measure both on test images."""
    return attacked(model, seed, attacker)
