"""The segmentations of both bounds as NIfTI files, with the size of a voxel and a table of names."""

import gzip
import json
from pathlib import Path

import numpy as np
from nibabel.nifti1 import Nifti1Extension, Nifti1Image
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.hdf5 import writing
from mrilab.errors import UserError
from mrilab.sgr.bounds_result import BoundsResult

ENDINGS = (".nii.gz", ".nii")
COMMENT = 6  # NIfTI's code of an extension in plain text


def label_paths(path: str | Path) -> tuple[Path, Path]:
    """Return OUT-low.nii.gz and OUT-up.nii.gz of OUT.nii.gz; the same for .nii.

    Raises:
        UserError: a name that ends neither in .nii nor in .nii.gz.
    """
    path = Path(path)
    ending = next((each for each in ENDINGS if path.name.lower().endswith(each)), None)
    if ending is None or len(path.name) == len(ending):
        raise UserError(f"--labels {path} must end in .nii or .nii.gz")
    stem, kept = path.name[: -len(ending)], path.name[-len(ending) :]
    return path.with_name(f"{stem}-low{kept}"), path.with_name(f"{stem}-up{kept}")


def write_labels(path: str | Path, result: BoundsResult) -> tuple[Path, Path]:
    """Write the labels of the low and of the up bounds, uint8 (H, W, slices), each file whole or not at all.

    With several classes they are (H, W, slices, classes), because each class has images of its own and bounds may
    overlap. A pixel holds the number of its class or 0. The names stand in the header as a comment, a table in JSON.
    The axes are those of the raw data, readout first; where the patient lies is not known. Without the size of a voxel
    its sides are 1, without a unit.

    Raises:
        UserError: a name that ends neither in .nii nor in .nii.gz, or a place that cannot be written.
    """
    paths = label_paths(path)
    for bound, target in zip(("low", "up"), paths, strict=True):
        maps = [getattr(each.first, bound) for each in result.slices]  # (classes, H, W) each
        parts = [_only([each[k] for each in maps], c) for k, c in enumerate(result.classes.values())]
        labels = np.stack(parts, -1) if len(parts) > 1 else parts[0]
        with atomic_path(target) as temporary, writing(target):
            content = _image(labels, result, bound).to_bytes()
            temporary.write_bytes(gzip.compress(content, mtime=0) if target.suffix.lower() == ".gz" else content)
    return paths


def _only(slices: list[Tensor], c: int) -> np.ndarray:
    """Return class `c` of maps (H, W), and 0 elsewhere: uint8 (H, W, slices)."""
    return np.stack([each.where(each == c, 0).numpy() for each in slices], -1)


def _image(labels: np.ndarray, result: BoundsResult, bound: str) -> Nifti1Image:
    voxel = result.voxel_mm or (1.0, 1.0, 1.0)
    image = Nifti1Image(labels, np.diag([*voxel, 1.0]))
    header = image.header
    header.set_intent("label", name="class number")
    header.set_xyzt_units("unknown" if result.voxel_mm is None else "mm")
    header["descrip"] = f"mrilab bounds, {bound}; axes of the raw data".encode()
    header.extensions.append(Nifti1Extension(COMMENT, json.dumps(result.table).encode()))
    return image
