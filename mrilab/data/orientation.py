"""Where the voxels of a scan lie in the patient, from positions and directions that its attributes hold.

ISMRMRD has them for every line: `position` is the middle of the field of view in mm, `read_dir`, `phase_dir` and
`slice_dir` are unit vectors, all with axes to the left, the back and the head of the patient (LPS, as in DICOM). NIfTI
wants axes to the right, the front and the head (RAS).
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from mrilab.data.nifti import Voxel
from mrilab.data.scans import Scan

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
NAMES = ("position", "read_dir", "phase_dir", "slice_dir")
TOLERANCE = 0.02  # of directions, and of distances relative to the thickness


def scan_affine(scan: Scan, voxel: Voxel | None, slices: Sequence[int]) -> np.ndarray | None:
    """Return the affine of these slices of a scan as `voxel_affine` does; a warning says why there is none."""
    if voxel is None:
        return None
    affine, reason = voxel_affine(scan.attrs, voxel, scan.shape, slices)
    if reason:
        warnings.warn(f"{scan.path}: {reason}", stacklevel=3)
    return affine


def voxel_affine(
    attrs: Mapping, voxel: Voxel, shape: tuple[int, int], slices: Sequence[int]
) -> tuple[np.ndarray | None, str]:
    """Return the affine (4, 4) from voxel (row, column, slice) to mm in RAS, and an empty text.

    Args:
        attrs: of the file, with `position` (slices, 3) and directions (slices, 3) of all its slices.
        shape: (H, W) of the images. Pixel (H // 2, W // 2) lies at the position, as the centred transform has it.
        slices: numbers of the slices of the images.

    Where the attributes do not say, the affine is None and the text empty. Where no affine can say it, because slices
    are not parallel or not equally spaced, it is None and the text says so.
    """
    if not set(NAMES) <= set(attrs):
        return None, ""
    found = [np.atleast_2d(np.asarray(attrs[name], dtype=float)) for name in NAMES]
    if any(each.shape[1:] != (3,) or len(each) <= max(slices) for each in found):
        return None, "the positions in the file do not fit its slices, so the orientation is left out"
    position, *directions = (each[list(slices)] for each in found)  # (slices, 3) each
    if any(np.abs(each - each[0]).max() > TOLERANCE for each in directions):
        return None, "the slices are not parallel, so the orientation is left out"
    read, phase, normal = (each[0] for each in directions)
    step = normal * voxel[2]
    if len(position) > 1:
        step = (position[-1] - position[0]) / (len(position) - 1)
        even = position[0] + np.arange(len(position))[:, None] * step
        length = np.linalg.norm(step)
        if np.abs(position - even).max() > TOLERANCE * voxel[2] or length < TOLERANCE * voxel[2]:
            return None, "the slices are not equally spaced along a line, so the orientation is left out"
    axes = LPS_TO_RAS @ np.column_stack([read * voxel[0], phase * voxel[1], step])
    if abs(np.linalg.det(axes)) < 1e-3 * np.prod(voxel):
        return None, "the directions in the file lie in one plane, so the orientation is left out"
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = LPS_TO_RAS @ position[0] - axes[:, :2] @ (shape[0] // 2, shape[1] // 2)
    return affine, ""
