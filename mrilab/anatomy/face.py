"""Face, skull base and neck, drawn from ellipsoids in MNI millimetres: a sketch, not an atlas.

The template is stripped of everything but the brain. Low axial and all sagittal slices would end in nothing, so
we place eyes, orbits, sinuses, airway, jaw, vertebrae and the large muscles where an average adult has them.
All surfaces are signed distances in mm, negative inside; those of ellipsoids are first-order approximations.
"""

import tomllib
from collections.abc import Sequence
from functools import partial, reduce
from pathlib import Path

import numpy as np


def _distance(centre: Sequence[float], half_axes: Sequence[float], position: Sequence[np.ndarray]) -> np.ndarray:
    """Return the signed distance to an ellipsoid, to first order at its surface."""
    scaled = [(c - c0) / a for c, c0, a in zip(position, centre, half_axes, strict=True)]
    radius = np.sqrt(sum(s**2 for s in scaled))
    slope = np.sqrt(sum((s / a) ** 2 for s, a in zip(scaled, half_axes, strict=True)))
    inside = -min(half_axes)
    return np.where(radius > 0.05, radius * (radius - 1) / np.maximum(slope, 1e-6), inside).astype(np.float32)


def smooth_union(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Return the union of two signed distances, its seam rounded over `width` mm (polynomial smooth minimum)."""
    overlap = np.maximum(width - np.abs(a - b), 0) / width
    return np.minimum(a, b) - overlap**2 * width / 4


def face_surfaces(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
    """Return the signed distances (X, Y, Z) in mm to skin, air, eye, muscle and bone on the grid of x, y, z."""
    right = (np.abs(x), y, z)  # an ellipsoid off the midline stands for both sides
    surfaces = []
    for surface in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).values():
        distances = [_distance(centre, half_axes, right) for centre, half_axes in surface["parts"]]
        surfaces.append(reduce(partial(smooth_union, width=surface["seam"]), distances))
    return surfaces
