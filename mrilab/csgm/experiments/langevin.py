"""Posterior means by Langevin dynamics against L1-wavelet on the embedded test heads, at R = 4 and 8.

Prior and settings are those of the course: `score-t2`, 8 samples, tuned once on two validation heads at R = 4. Beyond
R = 6 the calibration area has 5 lines; rows with maps from a 24 x 24 prescan stand beside those from the ACS. Quality
is against the fully sampled image, as everywhere; `psnr_truth` is against the noise-free truth, which a simulation has.
"""

from __future__ import annotations

import warnings

from mrilab.data.embedded import dataset
from mrilab.data.recipes import simulate
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct

DATASET = "heads-t2-test"
OPTIONS = {"l1-wavelet": {}, "langevin": {"prior": "score-t2", "samples": 8}}
SOURCES = {4: ("acs",), 8: ("acs", "prescan")}
QUALITY = ("psnr", "ssim", "nrmse", "psnr_masked", "ssim_masked", "nrmse_masked")


def cases() -> list[dict]:
    """One case a test head, acceleration, source of the maps and method."""
    return [
        {"scan": path.stem, "method": method, "acceleration": acceleration, "maps_from": source, "seed": 0}
        for acceleration, sources in SOURCES.items()
        for source in sources
        for path in dataset(DATASET)
        for method in OPTIONS
    ]


def measure(case: dict) -> dict[str, float]:
    """Reconstruct one case; `psnr_one_sample` is that of the first sample alone, nan where there are none."""
    ((index, path),) = [(i, path) for i, path in enumerate(dataset(DATASET)) if path.stem == case["scan"]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*ESPIRiT")  # the fallback beyond R = 6, see above
        result = reconstruct(
            read_scan(path),
            case["method"],
            acceleration=case["acceleration"],
            maps_from=case["maps_from"],
            seed=case["seed"],
            **OPTIONS[case["method"]],
        )
    (one,) = result.slices
    single = float("nan") if one.samples is None else psnr(one.samples[0], one.reference)
    return {
        **result.metrics,
        "psnr_one_sample": single,
        "psnr_truth": psnr(one.image, simulate(DATASET, index).truth),
        "effective_acceleration": result.effective_acceleration,
    }


EXPERIMENT = Experiment(
    title="Langevin sampling against L1-wavelet at R = 4 and 8 on the embedded T2 test heads",
    keys=("scan", "method", "acceleration", "maps_from", "seed"),
    measured=(*QUALITY, "psnr_one_sample", "psnr_truth", "effective_acceleration"),
    cases=cases,
    measure=measure,
)
