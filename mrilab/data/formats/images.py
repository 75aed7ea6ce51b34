"""Images out of a result of `mrilab recon`, `mrilab segment` or the like, to be written in another format."""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from mrilab.data.hdf5 import open_hdf5
from mrilab.data.nifti import Voxel
from mrilab.errors import UserError

BESIDE = ("uncertainty", "deviation", "probability")  # real images that may stand beside the reconstruction


@dataclass(frozen=True)
class Images:
    """Hold what a result says of each slice.

    image: (slices, H, W), complex where the result has it. beside: real images (slices, H, W) by name.
    voxel: height, width and thickness of a voxel in mm, affine: (4, 4), see `mrilab.data.orientation`; None where the
    result does not know. method: what made it.
    """

    image: Tensor
    beside: dict[str, Tensor]
    voxel: Voxel | None
    affine: np.ndarray | None
    method: str


def read_images(path: Path) -> Images:
    """Read a result. Raise `UserError` where it is damaged or its images have another shape."""
    with open_hdf5(path) as file:
        image = _read(file, "reconstruction_complex" if "reconstruction_complex" in file else "reconstruction")
        beside = {name: _read(file, name) for name in BESIDE if name in file}
        attrs = dict(file.attrs)
    if any(each.ndim != 3 or each.shape != image.shape for each in (image, *beside.values())):
        raise UserError(f"{path} has images of several shapes, or none (slices, H, W); make it with `mrilab recon`")
    voxel = attrs.get("voxel_mm")
    voxel = json.loads(voxel) if isinstance(voxel, str) else voxel
    size = None if voxel is None else (float(voxel[0]), float(voxel[1]), float(voxel[2]))
    affine = attrs.get("affine")
    return Images(image, beside, size, affine, str(attrs.get("method", attrs.get("network", "unknown"))))


def _read(file: h5py.File, name: str) -> Tensor:
    return torch.from_numpy(np.asarray(file[name]))
