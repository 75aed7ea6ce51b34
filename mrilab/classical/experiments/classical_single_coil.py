"""The patterns of `classical_incoherence` with one coil that sees everything alike: nothing but sparsity can help.

With several coils a regular pattern is no worse than a random one, because coils unfold what is folded. The theory of
compressed sensing is about this case, where they cannot. Zero-filled is the control. K-space is that of the MVUE.
"""

import torch

from mrilab.classical.experiments.classical_incoherence import PATTERNS, pattern, pattern_cases
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.result import figures_of_merit
from mrilab.physics import SenseModel, fft2c, full_reference, l1_wavelet, zero_filled

DATASETS = {"heads-t2-val": PATTERNS, "heads-t2-test": ("lattice", "poisson")}
METHODS = {"zero-filled": zero_filled, "l1-wavelet": l1_wavelet}
MEASURED = ("psnr", "ssim_masked", "psnr_masked")


def cases() -> list[tuple]:
    """Return the cases of this experiment, as those of `classical_incoherence` are."""
    return pattern_cases(DATASETS, METHODS)


@experiment("four patterns of effective R = 3.2 with a single coil that sees all alike", MEASURED, cases)
def measure(scan: str, sampling: str, method: str, seed: int) -> dict[str, float]:
    """Reconstruct one head, seen by one coil, from one pattern."""
    image = full_reference(scan_of(scan).kspace[0])  # (H, W)
    mask = pattern(sampling, (image.shape[0], image.shape[1]), seed)
    model = SenseModel(torch.ones(1, *image.shape, dtype=image.dtype), mask)
    estimate = METHODS[method](fft2c(image)[None] * mask, model)
    found = figures_of_merit(estimate, image)
    return {each: found[each] for each in MEASURED}
