"""NIfTI files of what was found in a scan: the axes are those of the raw data; the affine says where they point."""

import gzip
import json
from pathlib import Path

import numpy as np
from nibabel.nifti1 import Nifti1Extension, Nifti1Image

from mrilab.data.atomic import write_atomic
from mrilab.errors import UserError

ENDINGS = (".nii.gz", ".nii")
COMMENT = 6  # NIfTI's code of an extension in plain text
Voxel = tuple[float, float, float]


def split_ending(path: str | Path, option: str) -> tuple[str, str]:
    """Return the name of a NIfTI file without its ending, and the ending.

    Raises:
        UserError: a name that ends neither in .nii nor in .nii.gz. The message names the `option` that gave it.
    """
    name = Path(path).name
    ending = next((each for each in ENDINGS if name.lower().endswith(each)), None)
    if ending is None or len(name) == len(ending):
        raise UserError(f"{option} {path} must end in .nii or .nii.gz")
    return name[: -len(ending)], name[-len(ending) :]


def write_nifti(
    path: Path,
    values: np.ndarray,
    voxel: Voxel | None,
    description: str,
    names: dict[int, str] | None = None,
    affine: np.ndarray | None = None,
) -> None:
    """Write `values` (H, W, slices, ...), whole or not at all; with `names` they are numbers of classes.

    Without the size of a voxel in mm its sides are 1, without a unit. Where the patient lies is known with `affine`
    (4, 4) only, from voxels to mm in RAS (see `mrilab.data.orientation`). The names stand in the header as a comment, a
    table in JSON.

    Raises:
        UserError: a place that cannot be written.
    """
    if affine is None:
        image = Nifti1Image(values, np.diag([*(voxel or (1.0, 1.0, 1.0)), 1.0]))
    else:
        image = Nifti1Image(values, affine)
        image.set_sform(affine, code="scanner")
        image.set_qform(affine, code="scanner")
    header = image.header
    if names is not None:
        header.set_intent("label", name="class number")
        header.extensions.append(Nifti1Extension(COMMENT, json.dumps(names).encode()))
    header.set_xyzt_units("unknown" if voxel is None and affine is None else "mm")
    header["descrip"] = description.encode()
    content = image.to_bytes()
    write_atomic(path, gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content)
