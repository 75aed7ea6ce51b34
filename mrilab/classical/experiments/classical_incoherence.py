"""What randomness of the sampling is worth to sparsity: four patterns of the same effective acceleration.

Two are of lines: equispaced ones and random ones, both with calibration lines. Two are of points, which phase-encode in
two directions and so need a 3-D scan: a lattice, regular in both directions, and Poisson points. Coil maps come from
the central 24 x 24 points of the fully sampled scan for all of them, so that only the pattern differs. CG-SENSE is the
control: it knows the coils and not the sparsity.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from mrilab.data.embedded import dataset
from mrilab.evaluation.experiments import experiment, scan_of
from mrilab.evaluation.result import figures_of_merit
from mrilab.physics.classical import cg_sense, l1_wavelet
from mrilab.physics.lines import centre_lines
from mrilab.physics.protocol import acquire, full_reference
from mrilab.physics.psf import largest_sidelobe
from mrilab.physics.sampling import effective_acceleration, make_mask

METHODS = {"cg-sense": cg_sense, "l1-wavelet": l1_wavelet}
PATTERNS = ("equispaced", "random", "lattice", "poisson")
ACCELERATION = 3.2  # effective, of all patterns: that of the equispaced mask of nominal R = 4 with 128 lines
DATASETS = {"heads-t2-val": PATTERNS, "heads-t2-test": ("equispaced", "poisson")}
CENTRE = 37  # side of the full square of the lattice, with which it has as many points as the others
MEASURED = ("psnr", "ssim_masked", "psnr_masked", "effective_acceleration", "largest_sidelobe")


def pattern(name: str, shape: tuple[int, int], seed: int) -> Tensor:
    """Return one of PATTERNS as a bool mask, (1, W) for lines and (H, W) for points, of effective R = 3.2 at 128."""
    if name == "equispaced":
        return make_mask(name, shape, 4)
    if name == "lattice":
        rows, columns = ((torch.arange(n) - n // 2) % 2 == 0 for n in shape)
        square = centre_lines(shape[0], CENTRE)[:, None] & centre_lines(shape[1], CENTRE)[None]
        return (rows[:, None] & columns[None]) | square
    return make_mask(name, shape, ACCELERATION, generator=torch.Generator().manual_seed(seed))


def pattern_cases(sets: Mapping[str, Sequence[str]], methods: Iterable[str]) -> list[tuple]:
    """Return one case a head, pattern and method. Each head has a seed of its own for the patterns."""
    return [
        (path.stem, name, method, number)
        for name_of_set, patterns in sets.items()
        for number, path in enumerate(dataset(name_of_set))
        for name in patterns
        for method in methods
    ]


def cases() -> list[tuple]:
    """Return the cases of this experiment."""
    return pattern_cases(DATASETS, METHODS)


@experiment("equispaced and random lines, lattice and Poisson points at effective R = 3.2", MEASURED, cases)
def measure(scan: str, sampling: str, method: str, seed: int) -> dict[str, float]:
    """Reconstruct one head from one pattern with maps of a prescan."""
    full = scan_of(scan).kspace[0]  # (coil, H, W)
    shape = (full.shape[-2], full.shape[-1])
    mask = pattern(sampling, shape, seed)
    acquisition, _ = acquire(full, mask, calibration=full)
    image = METHODS[method](acquisition.kspace, acquisition.model)
    found = figures_of_merit(image, full_reference(full))
    found |= {"effective_acceleration": effective_acceleration(mask, shape)}
    found |= {"largest_sidelobe": largest_sidelobe(mask, shape)}
    return {each: found[each] for each in MEASURED}
