"""How the three classical reconstructions fare as acceleration grows, on the embedded test heads.

Maps come from each scan's own calibration lines, the mask is equispaced outside them, and the regularisation is
the one that was chosen once on validation heads. The reference is the MVUE of the fully sampled data. Beyond R = 6
the calibration area of 128 columns has 5 lines, too few for ESPIRiT: maps are those of a low-resolution image.
"""

from __future__ import annotations

import warnings

from mrilab.data.embedded import dataset
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.reconstruct import reconstruct

DATASET = "heads-t2-test"
METHODS = ("zero-filled", "cg-sense", "l1-wavelet")
ACCELERATIONS = (2, 3, 4, 6, 8, 12)
MEASURED = ("psnr", "ssim", "nrmse", "psnr_masked", "ssim_masked", "nrmse_masked", "effective_acceleration")


def cases() -> list[dict]:
    """One case a test head, acceleration and method; one seed."""
    return [
        {"scan": path.stem, "method": method, "acceleration": acceleration, "seed": 0}
        for path in dataset(DATASET)
        for acceleration in ACCELERATIONS
        for method in METHODS
    ]


def measure(case: dict) -> dict[str, float]:
    """Reconstruct one case; figures of merit by the names in `MEASURED`."""
    (path,) = [path for path in dataset(DATASET) if path.stem == case["scan"]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*ESPIRiT")  # the fallback beyond R = 6, see above
        result = reconstruct(
            read_scan(path),
            case["method"],
            acceleration=case["acceleration"],
            mask="equispaced",
            seed=case["seed"],
        )
    return {**result.metrics, "effective_acceleration": result.effective_acceleration}


EXPERIMENT = Experiment(
    title="zero-filled, CG-SENSE and L1-wavelet over R = 2 ... 12 on the embedded T2 test heads",
    keys=("scan", "method", "acceleration", "seed"),
    measured=MEASURED,
    cases=cases,
    measure=measure,
)
