"""Digits from one in eight samples: what the samples tell of the digit, and what an attacker makes of the image.

beta = 0 at lower ratios is the control: who samples less leaks less, too.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.attack import ATTACKERS, STRONGEST, WEAKER
from mrilab.infomri.tasks.classifiers import CONTROLS, GLYPHS
from mrilab.infomri.tasks.study_classes import MEASURED, attacked

SEEDS = (0, 1, 2)
COMPARED = [name for name in GLYPHS if "beta" in name or "loupe" in name]  # by the claims, seed by seed


def listed() -> list[tuple[str, int, str]]:
    """Return the cases (model, seed, attacker): all for seed 0, the strongest for what is compared by seed."""
    cases = [(model, 0, attacker) for model in GLYPHS if "active" not in model for attacker in ATTACKERS]
    cases += [(model, 0, STRONGEST) for model in (*CONTROLS, "glyphs-active")]
    cases += [(model, seed, STRONGEST) for seed in SEEDS[1:] for model in COMPARED]
    return cases + [(model, 0, attacker) for model in (*CONTROLS, "glyphs-active") for attacker in WEAKER]


@experiment(
    "classification of digits and privacy: betas, baselines, up to three attackers each (trains 29 classifiers)",
    MEASURED,
    listed,
)
def measure(model: str, seed: int, attacker: str) -> dict[str, float]:
    """Train a classifier, or resume its training, attack what it samples, and measure both on test images."""
    return attacked(model, seed, attacker)
