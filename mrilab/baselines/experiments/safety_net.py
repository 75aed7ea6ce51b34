"""Networks on heads and samplings that they know or do not know: how good they are, and whether the safety net sees it.

The heads are the validation heads of random contrast, so that the limit of `mrilab.evaluation.safety` may be set by
them. `flat-derived-any` was trained on all of these samplings. The others know equispaced vertical lines from the
outermost one on, those that end in -t2 moreover heads of one contrast. So they fail at times, as the net must notice.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mrilab.data.scans import Scan
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.physics.coils import calibration_width
from mrilab.physics.sampling import make_mask

SCANS = tuple(f"heads-randomised-val-{number:02d}" for number in range(8))
SAMPLINGS = ("equispaced", "random", "poisson", "horizontal", "partial-fourier", "padded")
ACCELERATIONS = (2, 4, 8)
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "l1-wavelet": ("l1-wavelet", {}),
    "flat-derived-any": ("flat", {"network": "flat-derived-any"}),
    "modl-heads": ("modl", {"network": "modl-heads"}),
    "flat-derived-t2": ("flat", {"network": "flat-derived-t2"}),
    "varnet-t2": ("varnet", {"network": "varnet-t2"}),
}
EMPTY = 1 / 16  # share of the columns that is padding at each side of "padded" scans
MISSING = 1 / 4  # share of the columns that "partial-fourier" leaves out at one side


def cases() -> list[tuple]:
    """Return one case a scan, sampling, acceleration and method."""
    return [(scan, how, r, name) for scan in SCANS for how in SAMPLINGS for r in ACCELERATIONS for name in METHODS]


@experiment(
    "networks on scans that they know or do not know, and what the safety net says",
    measured=("psnr", "ssim", "effective_acceleration", "distance"),
    cases=cases,
)
def measure(scan: str, sampling: str, acceleration: int, method: str) -> dict[str, float]:
    """Reconstruct one head. The distance of L1-wavelet, to which distances are measured, is 0."""
    name, options = METHODS[method]
    result = reconstruct(sampled(scan, sampling, acceleration), name, use_mask=True, safety=True, **options)
    safety = result.slices[0].safety
    distance = 0.0 if safety is None else safety.distance
    figures = result.slices[0].metrics
    rate = result.effective_acceleration
    return {"psnr": figures["psnr"], "ssim": figures["ssim"], "effective_acceleration": rate, "distance": distance}


def sampled(name: str, sampling: str, acceleration: int) -> Scan:
    """Return a fully sampled scan with a mask beside it, and with empty columns around its k-space where "padded"."""
    scan = scan_of(name)
    generator = torch.Generator().manual_seed(1000 * acceleration + int(name[-2:]))
    height, width = scan.shape
    mask = _mask(sampling, scan.shape, acceleration, generator)
    if sampling != "padded":
        return replace(scan, beside=mask)
    column = torch.arange(width)[None]
    acquired = (column >= round(EMPTY * width)) & (column < width - round(EMPTY * width))  # (1, W)
    return replace(scan, kspace=scan.kspace * acquired, acquired=acquired, beside=mask & acquired)


def _mask(sampling: str, shape: tuple[int, int], acceleration: int, generator: torch.Generator) -> Tensor:
    """Draw a mask (1, W), (H, 1) or (H, W)."""
    if sampling in ("random", "poisson"):
        return make_mask(sampling, shape, acceleration, "vertical", generator)
    if sampling == "horizontal":
        return _equispaced(shape[0], acceleration, generator)[:, None]
    lines = _equispaced(shape[1], acceleration, generator)
    if sampling == "partial-fourier":
        lines[: round(MISSING * len(lines))] = False
    return lines[None]


def _equispaced(n: int, acceleration: int, generator: torch.Generator) -> Tensor:
    """Select every R-th of n lines, the first one drawn, and the calibration lines."""
    lines = torch.zeros(n, dtype=torch.bool)
    lines[int(torch.randint(acceleration, (), generator=generator)) :: acceleration] = True
    centre = calibration_width(n, acceleration)
    lines[n // 2 - centre // 2 : n // 2 - centre // 2 + centre] = True
    return lines
