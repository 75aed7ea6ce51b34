"""Face, skull base and neck, drawn from ellipsoids in MNI millimetres: a sketch, not an atlas.

The template is stripped of everything but the brain. Low axial and all sagittal slices would end in nothing, so
we place eyes, orbits, sinuses, airway, jaw, vertebrae and the large muscles where an average adult has them.
All surfaces are signed distances in mm, negative inside; those of ellipsoids are first-order approximations.
"""

from functools import partial, reduce

import numpy as np

Ellipsoid = tuple[tuple[float, float, float], tuple[float, float, float], bool]  # centre, half-axes, mirrored

MIDLINE = False
BOTH = True

EYE: Ellipsoid = ((32, 58, -37), (12, 12, 12), BOTH)
SKIN: tuple[Ellipsoid, ...] = (
    ((0, 34, -72), (66, 54, 62), MIDLINE),  # face
    ((0, 66, -110), (42, 34, 46), MIDLINE),  # chin
    ((0, 90, -66), (13, 19, 24), MIDLINE),  # nose
    ((0, -34, -120), (60, 62, 75), MIDLINE),  # neck
    ((80, -28, -44), (7, 13, 24), BOTH),  # ears
)
AIR: tuple[Ellipsoid, ...] = (
    ((8, 56, -62), (4.5, 32, 22), BOTH),  # nasal cavity, on either side of the septum
    ((10, 46, -36), (6, 16, 8), BOTH),  # ethmoid cells
    ((9, 16, -42), (8, 10, 9), BOTH),  # sphenoid sinus
    ((30, 40, -68), (12, 14, 15), BOTH),  # maxillary sinus
    ((12, 76, -22), (11, 4.5, 9), BOTH),  # frontal sinus
    ((0, 8, -84), (12, 6, 44), MIDLINE),  # pharynx
    ((58, -38, -46), (7, 9, 12), BOTH),  # mastoid
    ((68, -18, -46), (13, 3, 3), BOTH),  # ear canal
)
BONE: tuple[Ellipsoid, ...] = (
    ((0, 2, -46), (11, 9, 20), MIDLINE),  # clivus
    ((38, -22, -42), (26, 8, 9), BOTH),  # petrous ridge
    ((52, 20, -104), (8, 34, 16), BOTH),  # body of the jaw
    ((56, -4, -78), (5, 13, 30), BOTH),  # ramus of the jaw
    ((0, 60, -92), (34, 24, 12), MIDLINE),  # maxilla and palate
    ((55, 40, -56), (9, 20, 8), BOTH),  # cheek bone
    ((0, -20, -96), (12, 9, 22), MIDLINE),  # vertebral bodies
    ((0, -62, -96), (14, 9, 14), MIDLINE),  # spinous processes
    ((27, -36, -86), (12, 8, 8), BOTH),  # lateral masses
)
MUSCLE: tuple[Ellipsoid, ...] = (
    ((69, 12, -16), (8, 34, 40), BOTH),  # temporal
    ((62, 18, -86), (7, 20, 32), BOTH),  # masseter
    ((40, 8, -78), (13, 20, 24), BOTH),  # pterygoid
    ((24, -84, -86), (26, 24, 44), BOTH),  # neck extensors
    ((50, -44, -98), (12, 18, 40), BOTH),  # sternomastoid
    ((0, 36, -98), (24, 34, 22), MIDLINE),  # tongue
    ((43, 42, -37), (3, 17, 5), BOTH),  # lateral rectus
    ((23, 42, -37), (2.5, 17, 5), BOTH),  # medial rectus
    ((32, 42, -29), (5, 17, 2.5), BOTH),  # superior rectus
    ((30, 34, -37), (2.5, 16, 2.5), BOTH),  # optic nerve
)


def _distance(part: Ellipsoid, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the signed distance to an ellipsoid, to first order at its surface."""
    centre, half_axes, mirrored = part
    position = (np.abs(x) if mirrored else x, y, z)
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
    surfaces = ((SKIN, 10.0), (AIR, 1.0), ((EYE,), 1.0), (MUSCLE, 1.0), (BONE, 3.0))  # parts, width of the seams in mm
    return [
        reduce(partial(smooth_union, width=width), [_distance(part, x, y, z) for part in parts])
        for parts, width in surfaces
    ]
