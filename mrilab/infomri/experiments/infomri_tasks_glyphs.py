"""Digits from one in eight samples: what the samples tell of the digit, and what an attacker makes of the image.

beta = 0 at lower ratios is the control: who samples less leaks less, too.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.attack import ATTACKERS
from mrilab.infomri.tasks.classifiers import CONTROLS, GLYPHS
from mrilab.infomri.tasks.study_classes import MEASURED, attacked

SEEDS = (0, 1, 2)


@experiment(
    "classification of digits and privacy: betas, baselines, three attackers each (trains 33 classifiers)",
    MEASURED,
    lambda: (
        [(model, 0, attacker) for model in (*GLYPHS, *CONTROLS) for attacker in ATTACKERS]
        + [(model, seed, attacker) for seed in SEEDS[1:] for model in GLYPHS for attacker in ATTACKERS]
    ),
)
def measure(model: str, seed: int, attacker: str) -> dict[str, float]:
    """Train a classifier, or resume its training, attack what it samples, and measure both on test images."""
    return attacked(model, seed, attacker)
