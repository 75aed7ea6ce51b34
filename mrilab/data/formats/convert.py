"""From any format to any other: raw data as raw data, images as images."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mrilab.data.formats.bart import pair, write_bart
from mrilab.data.formats.detect import RESULT, find_format, read_any
from mrilab.data.formats.images import read_images
from mrilab.data.formats.npy import write_numpy
from mrilab.data.formats.raw import Raw
from mrilab.data.nifti import ENDINGS, Voxel, write_nifti
from mrilab.data.scans import write_scan
from mrilab.data.voxels import check_voxel
from mrilab.errors import UserError

RAW = (".h5", ".hdf5", ".cfl", ".npy", ".npz")
IMAGES = (*ENDINGS, ".cfl", ".npy")


def convert(
    source: str | Path, target: str | Path, *, voxel_mm: Voxel | None = None, force: bool = False, **options: Any
) -> dict[str, Any]:
    """Read `source`, write `target` in the format that its ending names, and return what was found and written.

    Raw data become .h5 in the fastMRI layout, .cfl, .npy or .npz. A result of `mrilab recon` becomes NIfTI (the
    magnitude), .cfl or .npy (complex), and each real image beside it, such as `uncertainty`, a file OUT-uncertainty.

    Args:
        voxel_mm: height, width and thickness of a voxel, for files that do not say it.
        force: write over files that are there.
        options: those of `mrilab.data.formats.detect.read_any`.

    Raises:
        UserError: what the readers say, another ending, a file that would be overwritten, a place not to be written.
    """
    source, target = Path(source), Path(target)
    check_voxel(voxel_mm)
    if find_format(source) == RESULT:
        for key in (key for key, value in options.items() if value is not None):
            raise UserError(f"--{key} is for raw data, but {source} is a reconstruction; leave it out")
        return _convert_images(source, target, voxel_mm, force)
    ending = _ending(target, RAW)
    if ending is None:
        images = _ending(target, IMAGES) is not None
        advice = "; `mrilab recon` makes images of raw data first" if images else ""
        raise UserError(f"raw data are written as {', '.join(RAW)}, not as {target.name}{advice}")
    written = list(pair(target)) if ending == ".cfl" else [target]
    _check_free(written, source, force)
    name, raw = read_any(source, **options)
    header = raw.header
    if voxel_mm is not None:
        if "encoded_fov_mm" in header:
            raise UserError(f"{source} says the size of its voxels itself; leave out --voxel-mm")
        height, width = raw.kspace.shape[-2:]
        header = header | {"encoded_fov_mm": (voxel_mm[0] * height, voxel_mm[1] * width, voxel_mm[2])}
    _write_raw(target, ending, raw, header)
    slices, coils, *shape = raw.kspace.shape
    return {
        "input": str(source),
        "format": name,
        "written": [str(path) for path in written],
        "slices": slices,
        "coils": coils,
        "shape": shape,
        "sampled": None if raw.mask is None else float(raw.mask.float().mean()),
        "noise_samples": 0 if raw.noise is None else raw.noise.shape[1],
    }


def _write_raw(target: Path, ending: str, raw: Raw, header: dict) -> None:
    """Write raw data; a note says what the format has no place for."""
    if ending in (".h5", ".hdf5"):
        write_scan(target, raw.kspace, raw.mask, raw.attrs, header, raw.noise)
        return
    named = {"mask": raw.mask, "noise": raw.noise}
    lost = [name for name, array in named.items() if array is not None and ending != ".npz"]
    lost += ["header"] if header else []
    if lost:
        warnings.warn(f"{target.name} has no place for the {' and the '.join(lost)} of the scan", stacklevel=3)
    if ending == ".cfl":
        write_bart(target, raw.kspace)
    else:
        write_numpy(target, raw.kspace, raw.mask, raw.noise)


def _convert_images(source: Path, target: Path, voxel_mm: Voxel | None, force: bool) -> dict[str, Any]:
    """Write the image of a result and those beside it."""
    ending = _ending(target, IMAGES)
    if ending is None:
        raise UserError(f"images are written as {', '.join(IMAGES)}, not as {target.name}")
    images = read_images(source)
    if images.voxel is not None and voxel_mm is not None:
        raise UserError(f"{source} says the size of its voxels itself; leave out --voxel-mm")
    voxel = images.voxel or voxel_mm
    stem = target.name[: -len(ending)]
    paths = {name: target.with_name(f"{stem}-{name}{ending}") for name in images.beside}
    written = [target, *paths.values()]
    written += [pair(path)[1] for path in written] if ending == ".cfl" else []
    _check_free(written, source, force)
    if ending in ENDINGS and voxel is None:
        warnings.warn(
            f"{source} does not say the size of its voxels, so they have sides of 1 without a unit; --voxel-mm says it",
            stacklevel=2,
        )
    for name, path, each in [("reconstruction", target, images.image)] + [
        (name, paths[name], each) for name, each in images.beside.items()
    ]:
        if ending in ENDINGS:
            description = f"mrilab {images.method}, {name}; axes of the raw data"[:79]
            write_nifti(path, _volume(each), voxel, description, affine=images.affine)
        elif ending == ".cfl":
            write_bart(path, each)
        else:
            write_numpy(path, each)
    return {
        "input": str(source),
        "format": RESULT,
        "written": [str(path) for path in written],
        "slices": len(images.image),
        "shape": list(images.image.shape[1:]),
        "voxel_mm": None if voxel is None else list(voxel),
        "orientation": images.affine is not None,
    }


def _volume(image: Tensor) -> np.ndarray:
    """Return the magnitude of images (slices, H, W) as float32 (H, W, slices)."""
    magnitude = image.abs() if image.is_complex() else image
    return magnitude.float().permute(1, 2, 0).numpy()


def _ending(path: Path, known: Sequence[str]) -> str | None:
    """Return which of the known endings a name has, as it is written there; None if it has none of them."""
    length = next((len(ending) for ending in known if path.name.lower().endswith(ending)), None)
    return None if length is None or length == len(path.name) else path.name.lower()[-length:]


def _check_free(written: Sequence[Path], source: Path, force: bool) -> None:
    """Raise `UserError` where a file would be written over the source, or, without `force`, over any other."""
    read = {each.resolve() for each in (source, *pair(source))}
    for path in written:
        if path.resolve() in read:
            raise UserError(f"{path} would overwrite what is read; choose another name")
        if path.exists() and not force:
            raise UserError(f"{path} is there already; choose another name, or add --force to write over it")
