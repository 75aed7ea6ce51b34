"""Are posterior samples right about how wrong they are? Measured against the noise-free image of simulated scans."""

import torch
from torch import Tensor

from mrilab.evaluation.metrics import MASK_LEVEL


def inside_object(truth: Tensor) -> Tensor:
    """Return the pixels of at least 5 % of the maximum, bool (H, W): those that the masked metrics keep."""
    return truth.abs() >= MASK_LEVEL * truth.abs().max()


def pearson(a: Tensor, b: Tensor, inside: Tensor) -> float:
    """Return the correlation of two real images (H, W) over the pixels `inside`; nan where one is constant there."""
    return float(torch.corrcoef(torch.stack([a[inside], b[inside]]).double())[0, 1])


def coverage(samples: Tensor, truth: Tensor, inside: Tensor, level: float) -> float:
    """Return the share of pixels whose true magnitude lies in the central `level` interval of the samples' magnitudes.

    The truth and K samples of the same distribution are exchangeable, so the interval between the order statistics
    i and K + 1 - i covers (K + 1 - 2 i) / (K + 1). For a real i the ends are interpolated.

    Args:
        samples: (K, H, W). truth: (H, W). inside: bool (H, W). level: between 0 and (K - 1) / (K + 1).

    Raises:
        ValueError: too few samples for the level.
    """
    magnitudes = samples.abs()[:, inside].double()  # (K, pixels)
    count = len(magnitudes)
    tail = (1 - level) / 2 * (count + 1)  # the real i
    if not 1 - 1e-9 <= tail <= (count + 1) / 2:
        raise ValueError(f"{count} samples have no central interval of {level:g}; draw more of them")
    ends = torch.tensor([tail - 1, count - tail], dtype=torch.float64).clamp(0, count - 1) / (count - 1)
    low, high = torch.quantile(magnitudes, ends, dim=0)
    true = truth.abs()[inside]
    return float(((true >= low) & (true <= high)).double().mean())
