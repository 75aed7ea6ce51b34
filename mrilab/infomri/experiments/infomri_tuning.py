"""What goes on: normalisation, slope, estimator and loss, and the exponent of variable density, on 64 validation heads.

The rule, written before the run: of the losses that give an error bar, and then of the patterns with it, the one with
the highest PSNR of drawn masks, mean over the four ratios. Trainings are shorter than those of the tables.
"""

from typing import Any

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.measures import MEASURED, measured
from mrilab.infomri.models import LEARNED, TESTED, Model
from mrilab.infomri.scans import OneCoil
from mrilab.infomri.study import train

STEPS = 2_000
BASE = ("threshold", 5.0, "sigmoid", "beta-nll", 0.0)
CHANGES: tuple[dict[str, Any], ...] = (
    {}, {"loss": "nll"}, {"loss": "mse"}, {"estimator": "identity"}, {"estimator": "puert"}, {"estimator": "soft"},
    {"slope": 1.0}, {"normalisation": "rescale"}, {"normalisation": "rescale", "slope": 1.0},
)  # fmt: skip
PARTS = ("normalisation", "slope", "estimator", "loss", "exponent")
EXPONENTS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)


def cases() -> list[tuple]:
    """Return one case a candidate and ratio. For variable density only loss and exponent mean something."""
    base = dict(zip(PARTS, BASE, strict=True))
    candidates = [tuple((base | change).values()) for change in CHANGES]
    candidates += [("none", 0.0, "none", "beta-nll", exponent) for exponent in EXPONENTS]
    return [(*candidate, ratio) for candidate in candidates for ratio in TESTED]


@experiment(
    "normalisation, slope, estimator, loss, and the exponent of variable density, on 64 validation heads",
    MEASURED,
    cases,
)
def measure(
    normalisation: str, slope: float, estimator: str, loss: str, exponent: float, ratio: float
) -> dict[str, float]:
    """Train one candidate, or resume its training, and measure it on the validation heads."""
    if exponent:
        sampling = {"by": "fixed", "kind": "variable-density", "exponent": exponent}
    else:
        sampling = LEARNED | {"normalisation": normalisation, "slope": slope, "estimator": estimator, "steps": STEPS}
    folder = f"tuning-{normalisation}-{slope}-{estimator}-{loss}-{exponent}"
    return measured(train(Model(sampling, loss=loss, steps=STEPS), folder, 0), ratio, OneCoil().fixed("val"))
