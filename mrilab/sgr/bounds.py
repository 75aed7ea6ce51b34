"""Lower and upper bound of the volume of a class, and repeated reconstruction as the baseline."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.methods.registry import Progress
from mrilab.sgr.dds import Chain, run_chain
from mrilab.sgr.diffusion import sigma_of
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.moved import Segment
from mrilab.sgr.volume import volume


def guided_bounds(
    chain: Chain,
    grid: Tensor,
    guidance: Guidance,
    generator: torch.Generator,
    *,
    count: int = 1,
    paired: bool = True,
    progress: Progress = iter,
) -> Tensor:
    """Return images (2, classes, count, *batch, H, W) in units of q: low bounds, then up bounds, of each class.

    With `paired`, all of them share start and noise: with b = 0 they are the same image. Without, as in the released
    code, each chain draws its own.

    Raises:
        UserError: a range of the guidance that holds no step but the last, or values that are not finite.
    """
    check_range(guidance, grid)
    n = 2 * len(guidance.classes)
    if paired and guidance.b == 0:  # pieces of unequal size would round differently
        image = run_chain(chain, grid, count, generator, progress=progress)  # (count, *batch, H, W)
        return image.repeat(2, n // 2, *[1] * image.ndim)
    groups, each = (n, count) if paired else (1, n * count)
    images = run_chain(chain, grid, each, generator, groups=groups, guide=guidance, progress=progress)
    return images.unflatten(0, (2, len(guidance.classes), count))


def check_range(guidance: Guidance, grid: Tensor) -> None:
    """Raise `UserError` where no step of `grid`, abar (steps,), but the last lies in the range of the guidance."""
    sigmas = sigma_of(grid[:-1])
    low, high = guidance.range
    if not ((low <= sigmas) & (sigmas <= high)).any():
        raise UserError(
            f"guidance from sigma {low:g} to {high:g} acts in no step; they go from {sigmas[0]:.3g} to {sigmas[-1]:.3g}"
        )


def repeated(samples: Tensor, segment: Segment, classes: Sequence[int], per: str = "slice") -> Tensor:
    """Choose the bounds of repeated reconstruction (RR) among samples (K, slices, H, W).

    For each class the samples of least and largest volume: "slice" chooses in each slice apart, as the released code
    does, "slab" one sample for all slices together. Returns their numbers, (2, classes, slices).
    """
    k, slices = samples.shape[:2]
    logits = segment(samples.flatten(0, 1))  # (K * slices, 1 + classes, H, W)
    volumes = torch.stack([volume(logits, c).unflatten(0, (k, slices)) for c in classes])  # (classes, K, slices)
    if per == "slab":
        volumes = volumes.sum(-1, keepdim=True).expand_as(volumes)
    return torch.stack([volumes.argmin(1), volumes.argmax(1)])
