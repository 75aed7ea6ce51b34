"""Raw data as NumPy files: an array (.npy), or `kspace` with `mask` and `noise` beside it (.npz)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.formats.raw import Raw, check_kspace, check_size
from mrilab.errors import UserError

AXES = ("slices", "coils", "readout", "phase")


def read_numpy(path: Path, *, axes: str | None = None) -> Raw:
    """Read complex k-space (slices, coils, H, W), (coils, H, W) or (H, W), or with any `axes` that are named.

    Args:
        axes: the names of the axes in the order of the file, such as "coils,slices,readout,phase". What is not named
            has the length 1.

    Raises:
        UserError: a file that cannot be read, no complex numbers, another number of axes.
    """
    stored, mask, noise = _load(path)
    if stored.dtype.kind != "c":
        raise UserError(f"{path} holds {stored.dtype}; k-space must be complex")
    names = _names(axes, stored.ndim, path)
    order = [names.index(name) for name in AXES if name in names]
    missing = tuple(n for n, name in enumerate(AXES) if name not in names)
    values = np.expand_dims(stored.transpose(order), missing)  # (slices, coils, H, W)
    check_size(values.shape, path)
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite and is refused below
        kspace = torch.from_numpy(np.array(values, dtype=np.complex64, order="C"))
    check_kspace(kspace, path)
    return Raw(kspace, _mask(mask, kspace, path), noise=_noise(noise, kspace, path))


def write_numpy(path: Path, kspace: Tensor, mask: Tensor | None = None, noise: Tensor | None = None) -> None:
    """Write an array as .npy, or `kspace` and what there is of `mask` and `noise` as .npz, whole or not at all.

    Raises:
        UserError: a place that cannot be written.
    """
    arrays = {"kspace": kspace, "mask": mask, "noise": noise}
    there: dict[str, Any] = {
        name: array.cpu().resolve_conj().numpy() for name, array in arrays.items() if array is not None
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        if path.suffix.lower() == ".npz":
            np.savez(file, allow_pickle=False, **there)
        else:
            np.save(file, there["kspace"])


def _load(path: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return k-space, mask and noise of a .npy or .npz file as they are stored."""
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)  # an array is read when its size is checked
        if isinstance(loaded, np.ndarray):
            return loaded, None, None
        with loaded as archive:
            if "kspace" not in archive:
                there = ", ".join(archive) or "nothing"
                raise UserError(f"{path} has no array `kspace` (it holds {there}); name it so")
            found = {name: archive[name] for name in ("kspace", "mask", "noise") if name in archive}
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"cannot read {path} ({error}); write it with numpy.save or numpy.savez") from error
    return found["kspace"], found.get("mask"), found.get("noise")


def _names(axes: str | None, rank: int, path: Path) -> list[str]:
    """Return a name for each axis of an array of this rank."""
    if axes is None:
        if not 2 <= rank <= 4:
            raise UserError(f"{path} has {rank} axes; (slices, coils, readout, phase) are 4, or name them with --axes")
        return list(AXES[4 - rank :])
    names = [name.strip() for name in axes.split(",")]
    if len(set(names)) < len(names) or not {"readout", "phase"} <= set(names) <= set(AXES):
        raise UserError(f"--axes {axes} must name {', '.join(AXES)} once each, with commas; slices and coils may lack")
    if len(names) != rank:
        raise UserError(f"--axes {axes} names {len(names)} axes, but the array in {path} has {rank}")
    return names


def _mask(stored: np.ndarray | None, kspace: Tensor, path: Path) -> Tensor | None:
    """Return the mask as bool (1, W), (H, 1) or (H, W)."""
    if stored is None:
        return None
    height, width = kspace.shape[-2:]
    mask = stored[None] if stored.ndim == 1 else stored
    if mask.dtype.kind not in "biuf" or mask.shape not in ((1, width), (height, 1), (height, width)):
        raise UserError(f"`mask` in {path} is {stored.dtype} {stored.shape}; numbers ({width},) or ({height}, {width})")
    return torch.from_numpy(mask != 0)


def _noise(stored: np.ndarray | None, kspace: Tensor, path: Path) -> Tensor | None:
    """Return the noise as complex64 (coils, n)."""
    if stored is None:
        return None
    coils = kspace.shape[1]
    if stored.dtype.kind != "c" or stored.ndim != 2 or len(stored) != coils:
        raise UserError(f"`noise` in {path} is {stored.dtype} {stored.shape}; it must be complex ({coils}, n)")
    return torch.from_numpy(stored.astype(np.complex64))
