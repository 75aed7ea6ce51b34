"""The head in template space: brain maps from ICBM 2009a as shipped with nilearn, the rest built around them.

Two stacks of smooth functions of position, from which a slice of any resolution gets sharp tissue borders:
- `brain` (4, Z, Y, X) at 1 mm: how much a point looks like CSF, grey matter and white matter, and its whiteness
  (see `contrast.clinical_signals`) where the T1 template departs from what the maps explain;
- `shell` (6, Z, Y, X) at 2 mm: signed distances in mm, negative inside, to inner skull, skin, air, eye, muscle, bone.
Whatever is not brain is drawn by us. Skull, scalp and neck are offsets of the brain's own hull. The face is put
together from ellipsoids at roughly the right places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from nibabel.spatialimages import SpatialImage
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import grid_sample

from mrilab.anatomy.face import face_surfaces, smooth_union

BRAIN_LOW, BRAIN_HIGH = (-78, -112, -72), (78, 80, 90)  # corners (x, y, z) in mm, inclusive; points are 1 mm apart
SHELL_LOW, SHELL_HIGH = (-100, -130, -112), (100, 118, 112)  # corners in mm; points are 2 mm apart
FLUID_GAP = 1.0  # distance in mm between brain and dura
SCALP_AND_SKULL = 14.0  # distance in mm from brain to skin


@dataclass(frozen=True)
class Volume:
    """Maps (channel, Z, Y, X), float32, on a grid between two corners (x, y, z) in template mm."""

    values: Tensor
    low: tuple[int, int, int]
    high: tuple[int, int, int]

    def to(self, device: torch.device | str) -> Volume:
        """Return the volume on another device."""
        return replace(self, values=self.values.to(device))

    def sample(self, points: Tensor) -> Tensor:
        """Return trilinear values (n, channel, H, W) at points (n, H, W, 3) in mm (x, y, z).

        Beyond the grid the border value continues.
        """
        low, high = points.new_tensor(self.low), points.new_tensor(self.high)
        grid = (points - low) * (2 / (high - low)) - 1  # (n, H, W, 3)
        stack = self.values.expand(len(points), *self.values.shape)  # (n, channel, Z, Y, X)
        return grid_sample(stack, grid[:, None], padding_mode="border", align_corners=True)[:, :, 0]


def _load(loader: Callable[..., SpatialImage]) -> np.ndarray:
    """Load a map of nilearn's as float32 (X, Y, Z) on the grid from BRAIN_LOW to BRAIN_HIGH, in [0, 1]."""
    image = loader(resolution=1)
    origin = np.round(image.affine[:3, 3]).astype(int)
    values = np.asarray(image.dataobj, np.float32)
    window = tuple(slice(low - o, high - o + 1) for low, high, o in zip(BRAIN_LOW, BRAIN_HIGH, origin, strict=True))
    return values[window] / values.max()


def _whiteness(t1: np.ndarray, grey: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Return the T1 brightness that the maps do not explain, in units of the step from grey to white matter."""
    inside = (t1 > 0.2) & (grey + white > 0.9)
    maps = np.stack([grey[inside], white[inside]], 1)
    (mean_grey, mean_white), *_ = np.linalg.lstsq(maps, t1[inside], rcond=None)
    share = np.clip(grey + white, 0, 1)
    residual = (t1 - mean_grey * grey - mean_white * white) / (mean_white - mean_grey) * (share > 0.8)
    return np.clip(ndimage.gaussian_filter(residual, 0.7), -0.8, 0.8)


def _hull(brain: np.ndarray, step: float, radius: float) -> np.ndarray:
    """Return the signed distance in mm to the brain with all clefts closed that a ball of `radius` mm does not enter.

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


def _embed(mask: np.ndarray) -> np.ndarray:
    """Put a mask of the brain's grid on the shell's. Below the template the cord continues the last slice."""
    out = np.zeros([(high - low) // 2 + 1 for low, high in zip(SHELL_LOW, SHELL_HIGH, strict=True)], mask.dtype)
    x, y, z = ((low - shell) // 2 for low, shell in zip(BRAIN_LOW, SHELL_LOW, strict=True))
    coarse = mask[::2, ::2, ::2]
    nx, ny, nz = coarse.shape
    out[x : x + nx, y : y + ny, z : z + nz] = coarse
    out[:, :, :z] = out[:, :, z, None]
    return out


def _stack(values: list[np.ndarray]) -> Tensor:
    """Stack maps (X, Y, Z) to float32 (channel, Z, Y, X), the order that `grid_sample` wants."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(values).transpose(0, 3, 2, 1), np.float32))


@lru_cache(maxsize=1)
def load_template() -> tuple[Volume, Volume]:
    """Build brain and shell (a few seconds) and keep them in memory (about 110 MB)."""
    from nilearn import datasets  # imports scikit-learn, a second that only this function should cost

    t1 = _load(datasets.load_mni152_template)
    grey = _load(datasets.load_mni152_gm_template)
    white = _load(datasets.load_mni152_wm_template)
    fluid = np.clip(1 - grey - white, 0, 1)
    # averaging many heads has blurred the maps: add back part of what a Gaussian of 2 mm removes
    parts = ((fluid, 1.0), (grey, 0.8), (white, 0.8))
    boosted = [share + amount * (share - ndimage.gaussian_filter(share, 2.0)) for share, amount in parts]
    brain = Volume(_stack([*boosted, _whiteness(t1, grey, white)]), BRAIN_LOW, BRAIN_HIGH)

    axes = [np.arange(low, high + 1, 2, dtype=np.float32) for low, high in zip(SHELL_LOW, SHELL_HIGH, strict=True)]
    face, *others = face_surfaces(*np.meshgrid(*axes, indexing="ij", sparse=True))
    mask = _embed(t1 > 0.15)
    inner = _hull(mask, 2.0, 5.0) - FLUID_GAP
    scalp = _hull(mask, 2.0, 40.0) - SCALP_AND_SKULL  # the scalp does not follow the clefts of the skull base
    return brain, Volume(_stack([inner, smooth_union(scalp, face, 14.0), *others]), SHELL_LOW, SHELL_HIGH)
