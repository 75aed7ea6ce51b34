"""The segmentations of both bounds as NIfTI files, with the size of a voxel and a table of names."""

from pathlib import Path

import numpy as np
from torch import Tensor

from mrilab.data.nifti import split_ending, write_nifti
from mrilab.sgr.bounds_result import BoundsResult


def label_paths(path: str | Path) -> tuple[Path, Path]:
    """Return OUT-low.nii.gz and OUT-up.nii.gz of OUT.nii.gz; the same for .nii.

    Raises:
        UserError: a name that ends neither in .nii nor in .nii.gz.
    """
    path = Path(path)
    stem, ending = split_ending(path, "--labels")
    return path.with_name(f"{stem}-low{ending}"), path.with_name(f"{stem}-up{ending}")


def write_labels(path: str | Path, result: BoundsResult) -> tuple[Path, Path]:
    """Write the labels of the low and of the up bounds, uint8 (H, W, slices), each file whole or not at all.

    With several classes they are (H, W, slices, classes), because each class has images of its own and bounds may
    overlap. A pixel holds the number of its class or 0. See `mrilab.data.nifti.write_nifti`.

    Raises:
        UserError: a name that ends neither in .nii nor in .nii.gz, or a place that cannot be written.
    """
    paths = label_paths(path)
    for bound, target in zip(("low", "up"), paths, strict=True):
        maps = [getattr(each.first, bound) for each in result.slices]  # (classes, H, W) each
        parts = [_only([each[k] for each in maps], c) for k, c in enumerate(result.classes.values())]
        labels = np.stack(parts, -1) if len(parts) > 1 else parts[0]
        description = f"mrilab bounds, {bound}; axes of the raw data"
        write_nifti(target, labels, result.voxel_mm, description, result.table, result.affine)
    return paths


def _only(slices: list[Tensor], c: int) -> np.ndarray:
    """Return class `c` of maps (H, W), and 0 elsewhere: uint8 (H, W, slices)."""
    return np.stack([each.where(each == c, 0).numpy() for each in slices], -1)
