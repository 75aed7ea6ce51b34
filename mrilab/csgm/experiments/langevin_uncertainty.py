"""48 posterior samples at R = 4 on four test heads: does their spread tell the error to the noise-free image?

"known": the likelihood in equation (4) has the noise of the data, as a posterior needs it. One head is sampled as the
released code does it ("none"), which takes the data as noise-free.
"""

from typing import Any

from mrilab.evaluation.experiments import experiment, scan_of, simulation_of
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.uncertainty import coverage, inside_object, pearson

HEADS = ("heads-t2-test-00", "heads-t2-test-01", "heads-t2-test-06", "heads-t2-test-07")  # two from the unseen slab
SAMPLES = 48
ACCELERATION = 4


def cases() -> list[tuple]:
    """Return one case a head, and one more without noise in the likelihood."""
    return [*((head, "known", SAMPLES, 0) for head in HEADS), (HEADS[0], "none", SAMPLES, 0)]


@experiment(
    "the spread of 48 posterior samples against the true error, four test heads at R = 4",
    measured=(
        "pearson", "pearson_magnitude", "coverage_50", "coverage_90", "deviation", "error", "psnr", "psnr_one_sample",
    ),
    cases=cases,
)  # fmt: skip
def measure(scan: str, noise: str, samples: int, seed: int) -> dict[str, float]:
    """Measure correlations and coverage over the pixels of the head, on magnitudes, in units of the 0.99 quantile."""
    simulated = simulation_of(scan)
    truth, noise_std = simulated.truth, simulated.attrs["noise_std"] if noise == "known" else 0.0
    options: dict[str, Any] = {"prior": "score-t2", "samples": samples, "noise_std": noise_std}
    result = reconstruct(scan_of(scan), "langevin", acceleration=ACCELERATION, seed=seed, **options)
    (slice_result,) = result.slices
    image, draws, deviation = slice_result.image, slice_result.samples, slice_result.uncertainty
    assert draws is not None and deviation is not None  # a sampler gives both
    inside = inside_object(truth)
    error = (image.abs() - truth.abs()).abs()
    return {
        "pearson": pearson(deviation, error, inside),
        "pearson_magnitude": pearson(image.abs(), error, inside),
        "coverage_50": coverage(draws, truth, inside, 0.5),
        "coverage_90": coverage(draws, truth, inside, 0.9),
        "deviation": float(deviation[inside].mean()),
        "error": float(error[inside].mean()),
        "psnr": psnr(image, truth),
        "psnr_one_sample": psnr(draws[0], truth),
    }
