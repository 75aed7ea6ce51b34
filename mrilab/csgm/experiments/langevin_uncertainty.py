"""48 posterior samples at R = 4 on four test heads: does their spread tell the error to the noise-free truth?

Equation 4 is told the noise of the data ("known"), as a posterior needs its likelihood. One head is sampled as the
released code does it ("none"), which takes the data as noise-free.
"""

from __future__ import annotations

from mrilab.data.embedded import dataset
from mrilab.data.recipes import simulate
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import Experiment
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.uncertainty import coverage, inside_object, pearson

DATASET, SCANS, SAMPLES, ACCELERATION = "heads-t2-test", (0, 1, 6, 7), 48, 4  # two of the unseen slab


def cases() -> list[dict]:
    """One case a head, and one more."""
    runs = [(index, "known") for index in SCANS] + [(SCANS[0], "none")]
    return [{"scan": dataset(DATASET)[i].stem, "noise": noise, "samples": SAMPLES, "seed": 0} for i, noise in runs]


def measure(case: dict) -> dict[str, float]:
    """Correlations and coverage over the pixels of the head, on magnitudes, in units of the 0.99 quantile."""
    (index,) = [index for index, path in enumerate(dataset(DATASET)) if path.stem == case["scan"]]
    simulated = simulate(DATASET, index)
    truth, noise_std = simulated.truth, simulated.attrs["noise_std"] if case["noise"] == "known" else 0.0
    scan = read_scan(dataset(DATASET)[index])
    options = {"prior": "score-t2", "samples": case["samples"], "noise_std": noise_std}
    result = reconstruct(scan, "langevin", acceleration=ACCELERATION, seed=case["seed"], **options)
    (one,) = result.slices
    inside = inside_object(truth)
    error = (one.image.abs() - truth.abs()).abs()
    return {
        "pearson": pearson(one.uncertainty, error, inside),
        "pearson_magnitude": pearson(one.image.abs(), error, inside),
        "coverage_50": coverage(one.samples, truth, inside, 0.5),
        "coverage_90": coverage(one.samples, truth, inside, 0.9),
        "deviation": float(one.uncertainty[inside].mean()),
        "error": float(error[inside].mean()),
        "psnr": psnr(one.image, truth),
        "psnr_one_sample": psnr(one.samples[0], truth),
    }


EXPERIMENT = Experiment(
    title="the spread of 48 posterior samples against the true error, four test heads at R = 4",
    keys=("scan", "noise", "samples", "seed"),
    measured=(
        "pearson", "pearson_magnitude", "coverage_50", "coverage_90", "deviation", "error", "psnr", "psnr_one_sample",
    ),
    cases=cases,
    measure=measure,
)  # fmt: skip
