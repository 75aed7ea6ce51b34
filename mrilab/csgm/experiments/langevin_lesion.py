"""A lesion that no training image has, planted in four test heads and measured at R = 4."""

from dataclasses import replace

from mrilab.csgm.experiments.langevin import OPTIONS
from mrilab.csgm.experiments.langevin_uncertainty import ACCELERATION, HEADS
from mrilab.csgm.lesion import lesion_contrast, plant_lesion
from mrilab.evaluation.experiments import experiment, scan_of, simulation_of
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct


def cases() -> list[tuple]:
    """Return one case a head and method."""
    return [(head, method, 0) for head in HEADS for method in OPTIONS]


@experiment(
    "a lesion that the prior has never seen, in four test heads at R = 4",
    measured=("contrast", "deviation_ratio", "psnr"),
    cases=cases,
)
def measure(scan: str, method: str, seed: int) -> dict[str, float]:
    """Compare the lesion in the reconstruction with the one that was planted.

    `contrast` is relative to the planted contrast. `deviation_ratio` is the mean standard deviation in the lesion over
    that around it, nan for a method without samples.
    """
    kspace, truth, disc, ring = plant_lesion(simulation_of(scan))
    with_lesion = replace(scan_of(scan), kspace=kspace[None])
    result = reconstruct(with_lesion, method, acceleration=ACCELERATION, seed=seed, **OPTIONS[method])
    image, deviation = result.slices[0].image, result.slices[0].uncertainty
    return {
        "contrast": lesion_contrast(image, disc, ring) / lesion_contrast(truth, disc, ring),
        "deviation_ratio": float("nan")
        if deviation is None
        else float(deviation[disc].mean() / deviation[ring].mean()),
        "psnr": psnr(image, truth),
    }
