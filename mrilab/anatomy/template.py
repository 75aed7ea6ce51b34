"""The head in template space: brain maps from ICBM 2009a as shipped with nilearn, the rest built around them.

Two stacks of smooth functions of position, from which a slice of any resolution gets sharp tissue borders:
- `brain` (4, Z, Y, X) at 1 mm: how much a point looks like CSF, grey matter and white matter, and its whiteness
  (see `contrast.clinical_signals`) where the T1 template departs from what the maps explain;
- `shell` (6, Z, Y, X) at 2 mm: signed distances in mm, negative inside, to `SURFACES`.
Whatever is not brain is drawn by us: skull, scalp and neck are offsets of the brain's own hull, and the face is
put together from ellipsoids at roughly the right places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from mrilab.anatomy.face import face_surfaces, smooth_union

BRAIN_LOW, BRAIN_HIGH = (-78, -112, -72), (78, 80, 90)  # mm (x, y, z), inclusive, 1 mm apart
SHELL_LOW, SHELL_HIGH = (-100, -130, -112), (100, 118, 112)  # 2 mm apart
FLUID_GAP = 1.0  # mm between brain and dura
SCALP_AND_SKULL = 14.0  # mm, brain to skin


@dataclass(frozen=True)
class Template:
    """The two stacks as float32 tensors; `brain` (4, Z, Y, X) at 1 mm, `shell` (6, Z, Y, X) at 2 mm.

    The shell holds signed distances in mm to inner skull, skin, air, eye, muscle and bone.
    """

    brain: Tensor
    shell: Tensor


def _load(loader) -> np.ndarray:
    """A map of nilearn's as float32 (X, Y, Z) on the grid from BRAIN_LOW to BRAIN_HIGH, in [0, 1]."""
    image = loader(resolution=1)
    origin = np.round(image.affine[:3, 3]).astype(int)
    values = np.asarray(image.dataobj, np.float32)
    window = tuple(slice(low - o, high - o + 1) for low, high, o in zip(BRAIN_LOW, BRAIN_HIGH, origin, strict=True))
    return values[window] / values.max()


def _boost(probability: np.ndarray, width: float, amount: float) -> np.ndarray:
    """Undo some of the blur that averaging many heads leaves: add back what a Gaussian of `width` mm removes."""
    return probability + amount * (probability - ndimage.gaussian_filter(probability, width))


def _whiteness(t1: np.ndarray, grey: np.ndarray, white: np.ndarray) -> np.ndarray:
    """T1 brightness that the three maps do not explain, in units of the step from grey to white matter."""
    inside = (t1 > 0.2) & (grey + white > 0.9)
    maps = np.stack([grey[inside], white[inside]], 1)
    (mean_grey, mean_white), *_ = np.linalg.lstsq(maps, t1[inside], rcond=None)
    share = np.clip(grey + white, 0, 1)
    residual = (t1 - mean_grey * grey - mean_white * white) / (mean_white - mean_grey) * (share > 0.8)
    return np.clip(ndimage.gaussian_filter(residual, 0.7), -0.8, 0.8)


def _hull(brain: np.ndarray, step: float, radius: float) -> np.ndarray:
    """Signed distance in mm to the brain with all clefts closed that a ball of `radius` mm does not enter.

    That is a morphological closing: grow by the radius, then shrink by it. Both steps are thresholds of a
    distance, so the distances themselves, shifted by the radius, are those to the closed shape.
    """
    margin = int(radius / step) + 2  # growing must not reach the border of the grid
    padded = np.pad(brain, margin)
    outside = step * ndimage.distance_transform_edt(~padded).astype(np.float32)
    grown = outside < radius
    depth = step * ndimage.distance_transform_edt(grown).astype(np.float32)
    distance = np.where(grown, radius - depth, outside)[(slice(margin, -margin),) * 3]
    return ndimage.gaussian_filter(distance, 1.2)  # hides the voxels that the distance started from


def _embed(values: np.ndarray) -> np.ndarray:
    """A brain-grid mask on the 2 mm shell grid; below the template the cord continues the last slice."""
    size = [(high - low) // 2 + 1 for low, high in zip(SHELL_LOW, SHELL_HIGH, strict=True)]
    out = np.zeros(size, values.dtype)
    start = [(low - s) // 2 for low, s in zip(BRAIN_LOW, SHELL_LOW, strict=True)]
    coarse = values[::2, ::2, ::2]
    out[tuple(slice(s, s + n) for s, n in zip(start, coarse.shape, strict=True))] = coarse
    out[:, :, : start[2]] = out[:, :, start[2], None]
    return out


@lru_cache(maxsize=1)
def load_template() -> Template:
    """Build both stacks (a few seconds) and keep them in memory (about 110 MB)."""
    from nilearn import datasets  # imports scikit-learn, a second that only this function should cost

    t1 = _load(datasets.load_mni152_template)
    grey = _load(datasets.load_mni152_gm_template)
    white = _load(datasets.load_mni152_wm_template)
    fluid = np.clip(1 - grey - white, 0, 1)
    brain = np.stack(
        [_boost(fluid, 2.0, 1.0), _boost(grey, 2.0, 0.8), _boost(white, 2.0, 0.8), _whiteness(t1, grey, white)]
    )

    axes = [np.arange(low, high + 1, 2, dtype=np.float32) for low, high in zip(SHELL_LOW, SHELL_HIGH, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    mask = _embed(t1 > 0.15)
    inner = _hull(mask, 2.0, 5.0) - FLUID_GAP
    surfaces = face_surfaces(x, y, z)
    scalp = _hull(mask, 2.0, 40.0) - SCALP_AND_SKULL  # the scalp does not follow the clefts of the skull base
    skin = smooth_union(scalp, surfaces["skin"], 14.0)
    shell = np.stack([inner, skin, surfaces["air"], surfaces["eye"], surfaces["muscle"], surfaces["bone"]])

    def stack(values):  # (channel, X, Y, Z) -> (channel, Z, Y, X), the order grid_sample wants
        return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 2, 1), np.float32))

    return Template(stack(brain), stack(shell))


def sample(stack: Tensor, points: Tensor, low, high) -> Tensor:
    """Trilinear values (n, channel, H, W) of a stack (channel, Z, Y, X) at points (n, H, W, 3) in mm (x, y, z).

    Beyond the grid the border value continues.
    """
    low, high = points.new_tensor(low), points.new_tensor(high)
    grid = (points - low) * (2 / (high - low)) - 1  # (n, H, W, 3)
    n = len(points)
    values = torch.nn.functional.grid_sample(
        stack.expand(n, *stack.shape), grid[:, None], padding_mode="border", align_corners=True
    )
    return values[:, :, 0]
