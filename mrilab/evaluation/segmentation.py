"""How good are many answers to one question? Segmentations of one class, held against those of several raters.

Two empty masks agree: their IoU and their Dice are 1. Masks are bool, (..., H, W), and are compared flat, as products
of matrices. Masks of other values or of different sizes, or none at all, raise UserError.
"""

import torch
from torch import Tensor

from mrilab.errors import UserError

BINS = 10  # of the expected calibration error


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the intersection over union of every mask of a (S, H, W) with every mask of b (R, H, W), (S, R)."""
    both, sizes = _overlaps(a, b)
    return _share(both, sizes - both)


def dice(a: Tensor, b: Tensor) -> Tensor:
    """Return twice the intersection over the sum of the sizes of every mask of a with every mask of b, (S, R)."""
    both, sizes = _overlaps(a, b)
    return _share(2 * both, sizes)


def ged(samples: Tensor, raters: Tensor, unbiased: bool = False) -> float:
    """Return the squared generalised energy distance 2 E d(s, t) - E d(s, s') - E d(t, t'), with d = 1 - IoU.

    This is (45) of Peng et al. 2026. All pairs count, those of a mask with itself as well, as in the code of the
    Probabilistic U-Net (Kohl et al. 2018). `unbiased` leaves these out; one sample, or one rater, then has no distance
    to others, and its term stays 0.

    Args:
        samples: bool (S, H, W). raters: bool (R, H, W).
    """
    apart = 1 - iou(samples, raters).mean()
    return float(2 * apart - _spread(samples, unbiased) - _spread(raters, unbiased))


def disagreement(masks: Tensor) -> float:
    """Return the mean of 1 - IoU over the pairs of different masks, bool (S, H, W); 0 of a single one."""
    return float(_spread(masks, unbiased=True))


def expected_calibration_error(p: Tensor, z: Tensor, bins: int = BINS) -> float:
    """Return (46): the mean over pixels of |share of true ones - mean probability|, bin by bin of equal width.

    Bins are ((b - 1) / bins, b / bins]; 0 is in the first one.

    Args:
        p: probabilities between 0 and 1. z: true or not, of the same shape.

    Raises:
        UserError: probabilities outside 0 to 1, or NaN.
    """
    p, z = p.flatten().double(), z.flatten().double()
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise UserError("a calibration error needs probabilities between 0 and 1")
    number = ((p * bins).ceil().long() - 1).clamp(min=0)  # (pixels)
    sums = torch.zeros(bins, dtype=torch.float64).index_add(0, number, z - p)
    return float(sums.abs().sum() / len(p))


def brier(p: Tensor, z: Tensor) -> float:
    """Return (47): the mean squared difference of probabilities p and what is true, z of 0 and 1."""
    return float((p.double() - z.double()).square().mean())


def _overlaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sizes of the intersections, and the sums of the sizes, (S, R) each."""
    if not len(a) or not len(b):
        raise UserError(f"{len(a)} masks cannot be compared with {len(b)}; give at least one of each")
    if a.dtype != torch.bool or b.dtype != torch.bool:
        raise UserError("masks to compare are true or false; turn probabilities into masks with a threshold first")
    if a.shape[1:] != b.shape[1:]:
        sizes = " and ".join(" x ".join(map(str, each.shape[1:])) for each in (a, b))
        raise UserError(f"masks of {sizes} cannot be compared; bring them to one size first")
    flat, other = a.flatten(1).double(), b.flatten(1).double()
    return flat @ other.T, flat.sum(1)[:, None] + other.sum(1)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp(min=1), 1.0)


def _spread(masks: Tensor, unbiased: bool) -> Tensor:
    """Return the mean of 1 - IoU over all pairs of masks, or over those of different ones."""
    n = len(masks)
    total = (1 - iou(masks, masks)).sum()
    return total / (max(1, n * (n - 1)) if unbiased else n * n)
