"""Methods that know no training data, in distribution and under every shift: the yardstick of the trained ones.

ConvDecoder takes one to three minutes a scan, so it gets four heads of each condition. The others get all.
"""

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.shifted import MEASURED, measure_shifted, shifted_cases

METHODS = ("zero-filled", "cg-sense", "l1-wavelet")
FEW = 4  # scans for ConvDecoder


def cases() -> list[tuple]:
    """Return one case a condition, scan and method."""
    return shifted_cases(METHODS) + shifted_cases(("convdecoder",), FEW)


@experiment("zero-filled, CG-SENSE, L1-wavelet and ConvDecoder in distribution and under shifts", MEASURED, cases)
def measure(shift: str, acceleration: int, scan: str, method: str) -> dict[str, float]:
    """Reconstruct one scan under a shift."""
    return measure_shifted(shift, acceleration, scan, method)
