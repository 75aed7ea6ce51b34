"""Posterior means by Langevin dynamics against L1-wavelet on the embedded test heads, at R = 4 and 8.

Prior and settings are those of the course: `score-t2`, 8 samples, tuned once on two validation heads at R = 4. Beyond
R = 6 the calibration area has 5 lines. Rows with maps from a 24 x 24 prescan stand beside those from the ACS. Quality
is against the fully sampled image, as everywhere. `psnr_truth` is against the noise-free image, which a simulation has.
"""

from typing import Any

from mrilab.data.embedded import dataset
from mrilab.evaluation.experiments import experiment, scan_of, simulation_of
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.shifted import QUALITY

DATASET = "heads-t2-test"
OPTIONS: dict[str, dict[str, Any]] = {"l1-wavelet": {}, "langevin": {"prior": "score-t2", "samples": 8}}
SOURCES = {4: ("acs",), 8: ("acs", "prescan")}


def cases() -> list[tuple]:
    """Return one case a test head, acceleration, source of the maps and method."""
    return [
        (path.stem, method, acceleration, source, 0)
        for acceleration, sources in SOURCES.items()
        for source in sources
        for path in dataset(DATASET)
        for method in OPTIONS
    ]


@experiment(
    "Langevin sampling against L1-wavelet at R = 4 and 8 on the embedded T2 test heads",
    measured=(*QUALITY, "psnr_one_sample", "psnr_truth", "effective_acceleration"),
    cases=cases,
)
def measure(scan: str, method: str, acceleration: int, maps_from: str, seed: int) -> dict[str, float]:
    """Reconstruct one case. `psnr_one_sample` is that of the first sample alone, nan where there are none."""
    options = {"acceleration": acceleration, "maps_from": maps_from, "seed": seed, **OPTIONS[method]}
    result = reconstruct(scan_of(scan), method, **options)
    (slice_result,) = result.slices
    samples, reference = slice_result.samples, slice_result.reference
    return slice_result.metrics | {
        "psnr_one_sample": float("nan") if samples is None or reference is None else psnr(samples[0], reference),
        "psnr_truth": psnr(slice_result.image, simulation_of(scan).truth),
        "effective_acceleration": result.effective_acceleration,
    }
