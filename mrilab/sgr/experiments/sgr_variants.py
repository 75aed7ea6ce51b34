"""What each choice of the method does, at R = 16 on the middle slices of three test slabs, grey matter and CSF.

"paper" is the paper's literal setting: 100 steps uniform in t, conjugate gradients, b = 0.005, the gradient of the
whole step in every step. "released" has what the released code does differently: its data step, the norm of new noise
as the reference of b, a chain of its own for each bound, and a segmentation of mirror images with noise. The others
differ from the lesson's setting in one choice.
"""

from functools import lru_cache
from typing import Any

import torch

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.metrics import psnr
from mrilab.sgr.experiments.sgr_bounds import NETWORKS
from mrilab.sgr.measures import MEASURES, measure_images
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import RR, Networks, Study, segmented
from mrilab.sgr.volume import indicator, volume

SCANS = ("heads-t2-slab-test-00", "heads-t2-slab-test-02", "heads-t2-slab-test-04")
ACCELERATION = 16
CLASSES = ("grey matter", "csf")
SLICE = 1  # the middle one
ALL = (0.0, float("inf"))  # guidance in every step
PAPER = Sampling(grid="uniform", steps=100, data="cg", iterations=2)
# by name: sampling, settings of the guidance, whether the bounds share their noise
VARIANTS: dict[str, tuple[Sampling, dict[str, Any], bool]] = {
    "lesson": (Sampling(), {}, True),
    "norm of noise": (Sampling(), {"reference": "noise"}, True),
    "own noise": (Sampling(), {}, False),
    "unmasked": (Sampling(), {"masked": False}, True),
    "whole step": (Sampling(), {"through": "step"}, True),
    "plain view": (Sampling(), {"view": "plain"}, True),
    "released view": (Sampling(), {"view": "released"}, True),
    "cg": (Sampling(data="cg"), {}, True),
    "released data step": (Sampling(data="released"), {}, True),
    "paper": (PAPER, {"b": 0.005, "range": ALL, "through": "step", "view": "plain"}, True),
    "released": (
        Sampling(grid="uniform", steps=100, data="released", last="released"),
        {"b": 0.005, "range": ALL, "through": "step", "reference": "noise", "view": "released"},
        False,
    ),
}
KEPT = tuple(name for name in MEASURES if name != "covered")
MEASURED = (*KEPT, *(f"second_{name}" for name in KEPT), "covered_true", "psnr", "psnr_unguided", "rr_low", "rr_up")


def cases() -> list[tuple]:
    """Return one case a slice, variant and class."""
    return [(scan, variant, name) for scan in SCANS for variant in VARIANTS for name in CLASSES]


@lru_cache(maxsize=1)
def study(scan: str, sampling: Sampling) -> Study:
    """Return the study of one slice, whose samples all variants of the guidance share."""
    return Study(scan, ACCELERATION, Networks.load(*NETWORKS), sampling, slices=(SLICE,))


@experiment("choices of guided reconstruction at R = 16, three test slices", MEASURED, cases)
def measure(scan: str, variant: str, name: str) -> dict[str, float]:
    """Measure both bounds of one class of one slice; RR of 16 samples with the same sampler stands beside them."""
    sampling, changes, paired = VARIANTS[variant]
    own = study(scan, sampling)
    first, second, c = own.networks.first, own.networks.second, own.number(name)
    noise = torch.Generator().manual_seed(own.seed)  # only the reference "noise" draws it
    images = own.trial.bounds(own.guidance(c, generator=noise, **changes), paired)[:, 0]  # (2, 1, H, W)
    values: dict[str, float] = {}
    for network, prefix in ((first, ""), (second, "second_")):
        full = indicator(segmented(network, own.trial.full), c)
        found = measure_images(images, network, c, full)
        values |= {prefix + each: found[each] for each in KEPT}
    reference = own.trial.reference[0]
    samples = volume(segmented(first, own.rr)[:, 0], c).float()  # (RR)
    return values | {
        "covered_true": measure_images(images, first, c, own.true(name))["covered"],
        "psnr": sum(psnr(image[0], reference) for image in images) / len(images),
        "psnr_unguided": sum(psnr(image[0], reference) for image in own.rr) / RR,
        "rr_low": float(samples.min()),
        "rr_up": float(samples.max()),
    }
