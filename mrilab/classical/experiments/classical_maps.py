"""What the source of the coil maps is worth as acceleration grows, on the embedded validation heads.

The mask is the same for both sources. "acs" takes the maps from the scan's own calibration lines: 10 of 128 up to
R = 6, 5 from R = 8 on, too few for ESPIRiT. "prescan" takes them from the central 24 x 24 points of the fully sampled
scan at every R, as papers often do. So a difference between neighbouring R with prescan maps is one of the lines alone.
"""

from mrilab.data.embedded import dataset
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.reconstruct import reconstruct

DATASET = "heads-t2-val"
SOURCES = ("acs", "prescan")
ACCELERATIONS = (4, 6, 8, 12)
MEASURED = ("psnr", "ssim", "psnr_masked", "ssim_masked", "effective_acceleration")


def cases() -> list[tuple]:
    """Return one case a validation head, acceleration and source of maps."""
    return [
        (path.stem, "l1-wavelet", acceleration, source)
        for path in dataset(DATASET)
        for acceleration in ACCELERATIONS
        for source in SOURCES
    ]


@experiment("L1-wavelet with maps from calibration lines or a prescan, R = 4 ... 12", MEASURED, cases)
def measure(scan: str, method: str, acceleration: int, source: str) -> dict[str, float]:
    """Reconstruct one validation head with maps of one source."""
    result = reconstruct(scan_of(scan), method, acceleration=acceleration, mask="equispaced", maps_from=source)
    found = result.slices[0].metrics | {"effective_acceleration": result.effective_acceleration}
    return {name: found[name] for name in MEASURED}
