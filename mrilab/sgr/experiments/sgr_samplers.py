"""Is it the sampler? Repeated reconstruction by three samplers at R = 16, on three test slices.

"dds" is the sampler of this lesson, "flow" the same without new noise (eta = 0), and "langevin" lesson 2's.
"""

from typing import Any

import torch

from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.sgr.experiments.sgr_bounds import NETWORKS
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import RR, Networks, Study, segmented
from mrilab.sgr.volume import volume

SCANS = ("heads-t2-slab-test-00", "heads-t2-slab-test-02", "heads-t2-slab-test-04")
ACCELERATION = 16
CLASSES = ("grey matter", "white matter", "csf")
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "dds": ("dds", {}),
    "flow": ("dds", {"eta": 0.0}),
    "langevin": ("langevin", {}),
}
SLICE = 1  # the middle one


def cases() -> list[tuple]:
    """Return one case a slice and sampler."""
    return [(scan, method) for scan in SCANS for method in METHODS]


KINDS = ("true", "full", "lowest", "highest", "std")
MEASURED = tuple(f"{kind} {name}" for name in CLASSES for kind in KINDS)


@experiment("volumes of 16 samples by three samplers at R = 16, three test slices", (*MEASURED, "psnr"), cases)
def measure(scan: str, sampler: str) -> dict[str, float]:
    """Measure the volumes of 16 samples of one slice, in pixels."""
    own = Study(scan, ACCELERATION, Networks.load(*NETWORKS), Sampling(), slices=(SLICE,))
    method, options = METHODS[sampler]
    options = {"prior": NETWORKS[0], "samples": RR, **options}
    chosen: dict[str, Any] = {"acceleration": ACCELERATION, "mask": "poisson", "seed": own.seed, "slice": SLICE}
    (result,) = reconstruct(scan_of(scan), method, **chosen, **options).slices
    assert result.samples is not None and result.reference is not None  # a sampler, and all lines
    q = own.trial.q.flatten()[0]
    logits = segmented(own.networks.first, result.samples / q)  # (RR, 1 + classes, H, W)
    full = segmented(own.networks.first, own.trial.full)
    values = {"psnr": float(torch.tensor([psnr(x, result.reference) for x in result.samples]).mean())}
    for name in CLASSES:
        c = own.number(name)
        volumes = volume(logits, c).float()  # (RR)
        found = (own.true(name).sum(), volume(full, c).sum(), volumes.min(), volumes.max(), volumes.std())
        values |= {f"{kind} {name}": float(each) for kind, each in zip(KINDS, found, strict=True)}
    return values
