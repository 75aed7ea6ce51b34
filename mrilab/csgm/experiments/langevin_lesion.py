"""A lesion that no training image has, planted in four test heads and measured at R = 4."""

from __future__ import annotations

from dataclasses import replace

from mrilab.csgm.experiments.langevin_uncertainty import ACCELERATION, DATASET, SCANS
from mrilab.csgm.lesion import lesion_contrast, plant_lesion
from mrilab.data.embedded import dataset
from mrilab.data.recipes import simulate
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct

OPTIONS = {"l1-wavelet": {}, "langevin": {"prior": "score-t2", "samples": 8}}


def cases() -> list[dict]:
    """One case a head and method."""
    return [
        {"scan": dataset(DATASET)[index].stem, "method": method, "seed": 0} for index in SCANS for method in OPTIONS
    ]


def measure(case: dict) -> dict[str, float]:
    """Contrast found over contrast planted; mean deviation in the lesion over that around it (nan for one image)."""
    (index,) = [index for index, path in enumerate(dataset(DATASET)) if path.stem == case["scan"]]
    kspace, truth, disc, ring = plant_lesion(simulate(DATASET, index))
    scan = replace(read_scan(dataset(DATASET)[index]), kspace=kspace[None])
    options = OPTIONS[case["method"]]
    result = reconstruct(scan, case["method"], acceleration=ACCELERATION, seed=case["seed"], **options)
    (one,) = result.slices
    spread = one.uncertainty
    return {
        "contrast": lesion_contrast(one.image, disc, ring) / lesion_contrast(truth, disc, ring),
        "deviation_ratio": float("nan") if spread is None else float(spread[disc].mean() / spread[ring].mean()),
        "psnr": psnr(one.image, truth),
    }


EXPERIMENT = Experiment(
    title="a lesion that the prior has never seen, in four test heads at R = 4",
    keys=("scan", "method", "seed"),
    measured=("contrast", "deviation_ratio", "psnr"),
    cases=cases,
    measure=measure,
)
