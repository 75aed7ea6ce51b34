"""How ConvDecoder came by its learning rate and number of iterations: the highest PSNR on one validation head at R = 4.

Width and layers were chosen by hand before, for a fit of minutes on a CPU core.
"""

from __future__ import annotations

from mrilab.data.embedded import dataset
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.reconstruct import reconstruct

DATASET, ACCELERATION = "heads-t2-val", 4
LEARNING_RATES, ITERATIONS = (0.002, 0.005, 0.01), (500, 1000, 2000, 4000)


def cases() -> list[dict]:
    return [
        {"scan": f"{DATASET}-00", "learning_rate": rate, "iterations": iterations}
        for iterations in ITERATIONS
        for rate in LEARNING_RATES
    ]


def measure(case: dict) -> dict[str, float]:
    options = {"learning_rate": case["learning_rate"], "iterations": case["iterations"]}
    result = reconstruct(read_scan(dataset(DATASET)[0]), "convdecoder", acceleration=ACCELERATION, **options)
    return {"psnr": result.metrics["psnr"], "ssim": result.metrics["ssim"], "method_seconds": result.seconds}


EXPERIMENT = Experiment(
    title="learning rate and iterations of ConvDecoder on a validation head",
    keys=("scan", "learning_rate", "iterations"),
    measured=("psnr", "ssim", "method_seconds"),
    cases=cases,
    measure=measure,
)
