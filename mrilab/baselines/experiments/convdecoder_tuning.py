"""The choice of ConvDecoder's learning rate and number of iterations: highest PSNR on one validation head at R = 4.

Width and layers were chosen by hand before, for a fit of minutes on a CPU core.
"""

from typing import Any

from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.reconstruct import reconstruct

SCAN = "heads-t2-val-00"
ACCELERATION = 4
LEARNING_RATES = (0.002, 0.005, 0.01)
ITERATIONS = (500, 1000, 2000, 4000)


def cases() -> list[tuple]:
    """Return one case a number of iterations and learning rate."""
    return [(SCAN, rate, iterations) for iterations in ITERATIONS for rate in LEARNING_RATES]


@experiment(
    "learning rate and iterations of ConvDecoder on a validation head",
    measured=("psnr", "ssim", "method_seconds"),
    cases=cases,
)
def measure(scan: str, learning_rate: float, iterations: int) -> dict[str, float]:
    """Fit ConvDecoder once."""
    options: dict[str, Any] = {"learning_rate": learning_rate, "iterations": iterations}
    result = reconstruct(scan_of(scan), "convdecoder", acceleration=ACCELERATION, **options)
    return result.slices[0].metrics | {"method_seconds": result.seconds}
