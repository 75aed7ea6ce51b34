"""How good are two bounds of a class? One class and one head at a time: segmentations are bool (slices, H, W).

What is undefined is NaN, never 0 or 1: `summary` counts it. The unit of every median and interval is a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mrilab.physics import SenseModel
from mrilab.sgr.moved import Segment
from mrilab.sgr.volume import indicator

MEASURES = ("precision", "recall", "v_low", "v_up", "v_unc", "v_unc_share", "v_reference", "covered")


def precision(segmented: Tensor, reference: Tensor) -> float:
    """Return the share of the segmented pixels that are in the reference; NaN where none is segmented.

    The paper asks it of S-low, which should hold no false positives (Table 1, Figure 5).
    """
    return _share(segmented & reference, segmented)


def recall(segmented: Tensor, reference: Tensor) -> float:
    """Return the share of the reference's pixels that are segmented; NaN where the class is absent.

    The paper asks it of S-up, which should leave out no pixel (Table 1, Figure 5).
    """
    return _share(segmented & reference, reference)


def measure(low: Tensor, up: Tensor, reference: Tensor, voxel: float = 1.0) -> dict[str, float]:
    """Return the values of MEASURES for the bounds `low` and `up` and a reference, all bool (slices, H, W).

    The reference is S^f, the same network's segmentation of the fully sampled image (Figure 3), or the true labels.
    Volumes are in units of `voxel`: ml, or pixels where it is 1.

    precision: of S-low. recall: of S-up. v_low, v_up, v_reference: volumes (7). v_unc: V_unc = V_up - V_low, which is
    below 0 where the bounds are the wrong way round (Figures 4 and 6). v_unc_share: V_unc / V_up, undefined where S-up
    is empty (Table 1). covered: 1 where V_low <= V <= V_up for the reference's volume V, else 0.
    """
    counts = [int(s.sum()) for s in (low, up, reference)]  # compared as whole numbers, so that ends count as inside
    v_low, v_up, v_reference = (count * voxel for count in counts)
    return {
        "precision": precision(low, reference),
        "recall": recall(up, reference),
        "v_low": v_low,
        "v_up": v_up,
        "v_unc": v_up - v_low,
        "v_unc_share": 1 - counts[0] / counts[1] if counts[1] else float("nan"),
        "v_reference": v_reference,
        "covered": float(counts[0] <= counts[2] <= counts[1]),
    }


def measure_images(images: Tensor, segment: Segment, c: int, reference: Tensor, voxel: float = 1.0) -> dict[str, float]:
    """Return what a network makes of two images (2, slices, H, W), low and up, in units of q: the values of MEASURES.

    With a network other than the one that guided, this is the second network's view. `reference` is bool
    (slices, H, W), and S^f of the network that looks where it is not the true labels.
    """
    with torch.no_grad():
        low, up = indicator(segment(images.flatten(0, 1)), c).unflatten(0, (2, -1))  # (slices, H, W) each
    return measure(low, up, reference, voxel)


def transfer(first: float, second: float) -> float:
    """Return the second network's volume change over that of the first, which was guided or attacked.

    NaN where the first one's did not change.
    """
    return second / first if first else float("nan")


def residual_over_noise(x: Tensor, y: Tensor, model: SenseModel, noise_std: float) -> Tensor:
    """Return ||A x - y|| / (noise_std sqrt(2 m)), (*batch): about 1 for the true image, less where noise is fitted.

    Images (*batch, H, W) and k-space (*batch, coil, H, W) or (coil, H, W) in the same unit. m is the number of sampled
    k-space values of all coils, each with `noise_std` per real component.
    """
    mask = model.mask[..., None, :, :]  # (*batch, 1, H, W), (1, 1, W) for lines
    difference = (model.forward(x) - y) * mask  # (*batch, coil, H, W)
    m = mask.expand(difference.shape).sum((-3, -2, -1))  # (*batch)
    return torch.linalg.vector_norm(difference, dim=(-3, -2, -1)) / (noise_std * (2 * m) ** 0.5)


@dataclass(frozen=True)
class Summary:
    """Median and quartiles of the defined values, NaN where there are none, and how many of `count` are undefined."""

    median: float
    lower: float
    upper: float
    undefined: int
    count: int


def summary(values: Sequence[float]) -> Summary:
    """Summarise one value a head, as Table 1 (median) and Figure 5 (quartiles) do. NaN is undefined."""
    measured = np.asarray(values, dtype=float)
    defined = measured[~np.isnan(measured)]
    lower, median, upper = np.quantile(defined, (0.25, 0.5, 0.75)) if defined.size else (np.nan,) * 3
    return Summary(float(median), float(lower), float(upper), measured.size - defined.size, measured.size)


@dataclass(frozen=True)
class Paired:
    """Differences of the heads that have one, and how many heads have none."""

    differences: tuple[float, ...]
    undefined: int


def paired(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> Paired:
    """Return a - b for each head, from (heads,) or (heads, cases): for `judge` and `mean_interval`.

    Cases of one head, such as classes, are averaged within it, over those that are defined in both.
    """
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    heads = [row[~np.isnan(row)] for row in difference.reshape(len(difference), -1)]
    defined = tuple(float(row.mean()) for row in heads if row.size)
    return Paired(defined, len(heads) - len(defined))


def _share(part: Tensor, whole: Tensor) -> float:
    count = int(whole.sum())
    return int(part.sum()) / count if count else float("nan")
