"""How the three classical reconstructions fare as acceleration grows, on the embedded test heads.

Maps come from each scan's own calibration lines, the mask is equispaced outside them, and the regularisation is
the one that was chosen once on validation heads. The reference is the MVUE of the fully sampled data. Beyond R = 6
the calibration area of 128 columns has 5 lines, too few for ESPIRiT: maps are those of a low-resolution image.
"""

from mrilab.data.embedded import dataset
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.reconstruct import reconstruct

DATASET = "heads-t2-test"
METHODS = ("zero-filled", "cg-sense", "l1-wavelet")
ACCELERATIONS = (2, 3, 4, 6, 8, 12)
MEASURED = ("psnr", "ssim", "nrmse", "psnr_masked", "ssim_masked", "nrmse_masked", "effective_acceleration")


def cases() -> list[tuple]:
    """Return one case a test head, acceleration and method, all with one seed."""
    return [
        (path.stem, method, acceleration, 0)
        for path in dataset(DATASET)
        for acceleration in ACCELERATIONS
        for method in METHODS
    ]


@experiment("zero-filled, CG-SENSE and L1-wavelet over R = 2 ... 12 on the embedded T2 test heads", MEASURED, cases)
def measure(scan: str, method: str, acceleration: int, seed: int) -> dict[str, float]:
    """Reconstruct one test head with one method."""
    result = reconstruct(scan_of(scan), method, acceleration=acceleration, mask="equispaced", seed=seed)
    return result.slices[0].metrics | {"effective_acceleration": result.effective_acceleration}
