"""Raw data of SKM-TEA, the Stanford knee scans (Desai et al. 2021, arXiv:2203.06823), by its DATASET.md.

`kspace` is (x, ky, kz, echoes, coils): the readout has been transformed, so every x is a slice of its own whose plane
is (ky, kz). DC is at N // 2. What the scanner left out was filled in by the vendor's parallel imaging, but for the
corners of an ellipse and zeros around it, and counts as fully sampled. `masks/poisson_6.0x` and its like are masks of
the benchmark, without the zeros around.
"""

import re
import sys
import warnings
from pathlib import Path

import h5py
import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.data.formats.raw import Raw, check_kspace, check_size, padding
from mrilab.data.hdf5 import open_hdf5
from mrilab.errors import UserError
from mrilab.physics.fourier import centre_pad


def read_skmtea(path: Path, *, echo: int | None = None, mask: str | None = None, slices: str | None = None) -> Raw:
    """Read one echo as slices (x, coils, ky, kz).

    Args:
        echo: its number from 0. Without it the first is taken, and a note says so.
        mask: the name of a mask of the file, which then undersamples the scan.
        slices: "FIRST:END" along x, END not among them; all without it.

    Raises:
        UserError: no such echo, mask or slices, another layout, more than the memory holds.
    """
    with open_hdf5(path) as file:
        data = file["kspace"]
        if len(data.shape) != 5 or data.dtype.kind != "c":
            raise UserError(f"`kspace` in {path} is {data.dtype} {data.shape}; (x, ky, kz, echoes, coils) are needed")
        n, height, width, echoes, coils = data.shape
        if echo is None:
            echo = 0
            if echoes > 1:
                warnings.warn(f"{path} has {echoes} echoes; the first is read, --echo N takes another", stacklevel=2)
        if not 0 <= echo < echoes:
            raise UserError(f"{path} has no echo {echo}; it has {echoes}, numbered from 0")
        first, end = _range(slices, n, path)
        shape = (end - first, coils, height, width)
        check_size(shape, path)
        kspace = torch.empty(shape, dtype=torch.complex64)
        for x in tqdm(range(first, end), "slices", file=sys.stderr, leave=False, disable=None):
            kspace[x - first] = torch.from_numpy(data[x, :, :, echo]).permute(2, 0, 1)  # (ky, kz, coils) -> coils first
        sampled = _mask(file, mask, (height, width), path)
    check_kspace(kspace, path)
    attrs = {"converted_from": "SKM-TEA", "echo": echo, "first_slice": first}
    measured = kspace.any(0).any(0)  # (x, coils, ky, kz) -> (ky, kz)
    attrs |= padding(measured.any(0))
    if mask is not None:
        sampled = sampled & measured  # a mask may ask for points outside of the ellipse
        kspace *= sampled
        return Raw(kspace, sampled, {**attrs, "benchmark_mask": mask})
    warnings.warn(
        f"{path} counts as fully sampled, as its authors say; the scanner left out lines and corners", stacklevel=2
    )
    return Raw(kspace, sampled, attrs)


def _range(slices: str | None, n: int, path: Path) -> tuple[int, int]:
    """Return first and end of "FIRST:END"."""
    if slices is None:
        return 0, n
    found = re.fullmatch(r"(\d+):(\d+)", slices)
    first, end = map(int, found.groups()) if found else (0, 0)
    if not 0 <= first < end <= n:
        raise UserError(f"--slices {slices} must be FIRST:END with 0 <= FIRST < END <= {n} in {path}")
    return first, end


def _mask(file: h5py.File, name: str | None, shape: tuple[int, int], path: Path) -> Tensor:
    """Return the mask of this name with zeros around it, bool (ky, kz); without a name all lines (1, kz)."""
    if name is None:
        return torch.ones(1, shape[1], dtype=torch.bool)
    there = list(file.get("masks", {}))
    if name not in there:
        raise UserError(f"{path} has no mask {name}; it has {', '.join(there) or 'none'}")
    mask = torch.from_numpy(file["masks"][name][()] != 0)
    if mask.ndim != 2 or mask.shape[0] > shape[0] or mask.shape[1] > shape[1]:
        raise UserError(f"the mask {name} in {path} is {tuple(mask.shape)}, which does not fit {shape}")
    return centre_pad(mask, shape)
