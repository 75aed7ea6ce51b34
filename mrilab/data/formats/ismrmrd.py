"""ISMRMRD raw data (Inati et al., Magn Reson Med 2017; 77:411), read with the package `ismrmrd`.

A file holds lines one by one, each with a header of its own. Here they are put onto the grid of the encoded space.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.data.formats.grid import Grid, line_grid, partitions_to_slices, slice_positions
from mrilab.data.formats.raw import Raw, check_kspace, check_size, padding
from mrilab.data.hdf5 import open_hdf5
from mrilab.data.header import parse_header
from mrilab.errors import UserError

CHUNK = 256  # lines that are read at once
OTHER = {  # flags of lines that hold no image data, and how a note calls them
    "ACQ_IS_NAVIGATION_DATA": "navigation",
    "ACQ_IS_PHASECORR_DATA": "phase correction",
    "ACQ_IS_HPFEEDBACK_DATA": "feedback",
    "ACQ_IS_RTFEEDBACK_DATA": "real-time feedback",
    "ACQ_IS_DUMMYSCAN_DATA": "dummy",
    "ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA": "surface coil correction",
    "ACQ_IS_PHASE_STABILIZATION_REFERENCE": "reference of phase stabilisation",
    "ACQ_IS_PHASE_STABILIZATION": "phase stabilisation",
}
SERIES = ("contrast", "phase", "repetition", "set")  # counters of which only the first value is read


def read_ismrmrd(path: Path, *, encoding: int | None = None) -> Raw:
    """Read one encoding of a Cartesian measurement, 2-D or 3-D.

    Lines measured several times are averaged, calibration lines with the others. Noise lines become `Raw.noise`, as
    they are in the file. Partitions of a 3-D measurement become slices by an inverse Fourier transform. Notes say what
    is left out.

    Args:
        encoding: its number in the header from 0; without it the first that has lines.

    Raises:
        UserError: a missing package, a trajectory that is not Cartesian, no such encoding, lines outside of the
            encoded matrix or of several numbers of coils, partitions that are missing, a damaged file.
    """
    package = _package()
    with open_hdf5(path) as file:
        names = measurements(file)
        if len(names) > 1:
            warnings.warn(f"{path} holds {len(names)} measurements; the first, {names[0]}, is read", stacklevel=2)
        group = file[names[0]]
        heads = group["data"]["head"]
        noisy = _flagged(package, heads, "ACQ_IS_NOISE_MEASUREMENT")
        image = ~noisy & ~_other_lines(package, heads, path)
        chosen = _choose(heads["encoding_space_ref"][image], encoding, path)
        space, header = _header(package, group["xml"][0], chosen, path)
        used = _first_of_series(heads, image & (heads["encoding_space_ref"] == chosen), path)
        coils = _coils(heads[used], path)
        grid = line_grid(heads[used], _flagged(package, heads[used], "ACQ_IS_REVERSE"), space, path)
        slices, parts, height, width = grid.shape
        check_size((slices * parts, coils, height, width), path)
        kspace = torch.zeros(slices, parts, coils, height, width, dtype=torch.complex64)
        count = torch.zeros(grid.shape, dtype=torch.int16)
        noise = _fill(kspace, count, package.file.Acquisitions(group["data"]), grid, used, noisy)
    kspace /= count.clamp(min=1)[:, :, None]
    lines = count.any(2)  # (slices, partitions, H, W) -> (slices, partitions, W)
    kspace = partitions_to_slices(kspace, lines, path)  # -> (slices, coils, H, W)
    check_kspace(kspace, path)
    if header.get("encoded_matrix", (height,))[0] != height:
        header = {key: value for key, value in header.items() if not key.startswith(("encoded_", "recon_"))}
    first = heads[used][0]
    attrs = {
        "converted_from": "ISMRMRD",
        "encoding": chosen,
        "averages": len(np.unique(heads["idx"]["average"][used])),
        "sample_time_us": float(first["sample_time_us"]),
        **padding(lines.any(0).any(0) | _meant(header, width)),
        **slice_positions(heads[used], grid, header),
    }
    if noise is not None and len(noise) != coils:
        warnings.warn(f"{path}: its noise has {len(noise)} coils, its k-space {coils}; it is left out", stacklevel=2)
        noise = None
    if noise is not None:
        attrs["noise_sample_time_us"] = float(heads[noisy][0]["sample_time_us"])
    return Raw(kspace, _mask(lines), attrs, header, noise)


def measurements(file: h5py.File) -> list[str]:
    """Return the names of the groups that hold an ISMRMRD measurement."""
    groups = {name: item for name, item in file.items() if isinstance(item, h5py.Group)}
    return [name for name, group in groups.items() if "xml" in group and _holds_lines(group.get("data"))]


def _holds_lines(data: object) -> bool:
    """Return whether these are lines of k-space; images are stored under the same name."""
    return isinstance(data, h5py.Dataset) and set(data.dtype.names or ()) == {"head", "traj", "data"}


def _package() -> ModuleType:
    """Import `ismrmrd`. It changes the filters for warnings as it is imported, so they are put back."""
    try:
        with warnings.catch_warnings():
            import ismrmrd
    except ImportError as error:
        raise UserError("ISMRMRD raw data need a package that is missing; run `pip install ismrmrd`") from error
    return ismrmrd


def _flagged(package: ModuleType, heads: np.ndarray, name: str) -> np.ndarray:
    """Return of which lines a flag is set, bool (lines)."""
    return (heads["flags"] >> np.uint64(getattr(package, name) - 1)) & np.uint64(1) == 1


def _other_lines(package: ModuleType, heads: np.ndarray, path: Path) -> np.ndarray:
    """Return which lines are neither image, calibration nor noise, bool (lines); a note counts them."""
    flagged = {word: _flagged(package, heads, name) for name, word in OTHER.items()}
    counts = ", ".join(f"{lines.sum()} {word}" for word, lines in flagged.items() if lines.any())
    if counts:
        warnings.warn(f"{path}: lines that are no image data are left out ({counts})", stacklevel=3)
    return np.logical_or.reduce(list(flagged.values()))


def _choose(refs: np.ndarray, encoding: int | None, path: Path) -> int:
    """Return the number of the encoding to read, of those that image lines refer to."""
    there = [int(number) for number in np.unique(refs)]
    if not there:
        raise UserError(f"{path} has no lines of image data; give the file of the measurement, not of an adjustment")
    words = ", ".join(map(str, there))
    if encoding is None and len(there) > 1:
        warnings.warn(
            f"{path} has several encodings ({words}); {there[0]} is read, --encoding N takes another", stacklevel=3
        )
    if encoding is not None and encoding not in there:
        raise UserError(f"{path} has no lines of the encoding {encoding}; it has {words}")
    return there[0] if encoding is None else encoding


def _header(package: ModuleType, text: bytes | str, chosen: int, path: Path) -> tuple[Any, dict]:
    """Return the encoding as the package has it, and the fields of the header that has only this encoding.

    Raises:
        UserError: a header that the schema does not allow, or a trajectory that is not Cartesian.
    """
    text = text.encode() if isinstance(text, str) else text
    try:
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise ValueError("it declares XML entities")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the parser warns of values that have another type
            whole = package.xsd.CreateFromDocument(text)
        whole.encoding = [whole.encoding[chosen]]
    except (ValueError, TypeError, IndexError, Warning) as error:  # the parser's errors are ValueErrors
        reason = " ".join(str(error).split())
        raise UserError(f"the header of {path} is not as ISMRMRD wants it ({reason}); export the scan again") from error
    (space,) = whole.encoding
    trajectory = "unknown" if space.trajectory is None else space.trajectory.value
    if trajectory == "epi":
        warnings.warn(f"{path} is an EPI; neither its ghosts nor its ramps are corrected", stacklevel=3)
    elif trajectory != "cartesian":
        raise UserError(f"{path} has a {trajectory} trajectory; only Cartesian scans can be read")
    return space, parse_header(package.xsd.ToXML(whole))


def _first_of_series(heads: np.ndarray, used: np.ndarray, path: Path) -> np.ndarray:
    """Return those of the lines that belong to the first contrast, phase, repetition and set, bool (lines)."""
    for name in SERIES:
        counter = heads["idx"][name]
        values = np.unique(counter[used])
        if len(values) > 1:
            warnings.warn(f"{path}: of {len(values)} values of {name} only {values[0]} is read", stacklevel=3)
        used = used & (counter == values[0])
    return used


def _coils(heads: np.ndarray, path: Path) -> int:
    """Return the number of coils, which must be that of every line."""
    found = np.unique(heads["active_channels"])
    if len(found) > 1 or not found[0]:
        raise UserError(f"{path} has lines of {', '.join(map(str, found))} coils; all must have the same coils")
    return int(found[0])


def _fill(kspace: Tensor, count: Tensor, lines: Any, grid: Grid, used: np.ndarray, noisy: np.ndarray) -> Tensor | None:
    """Add the used lines to k-space (slices, partitions, coils, H, W) and to its count; return the noise (coils, n)."""
    noise = []
    numbers = np.cumsum(used) - 1  # of a line among the used ones
    for start in tqdm(range(0, len(used), CHUNK), "lines", file=sys.stderr, leave=False, disable=None):
        for n, line in enumerate(lines[start : start + CHUNK], start):
            if used[n]:
                grid.add(kspace, count, numbers[n], torch.from_numpy(line.data))
            elif noisy[n]:
                noise.append(torch.from_numpy(line.data))
    return torch.cat(noise, 1) if noise and len({len(each) for each in noise}) == 1 else None


def _meant(header: dict, width: int) -> Tensor:
    """Return the columns (W,) that the header means to be measured; none where it does not say."""
    columns = torch.zeros(width, dtype=torch.bool)
    if {"phase_minimum", "phase_maximum", "phase_centre"} <= {*header} and header["phase_maximum"] > 0:
        shift = width // 2 - header["phase_centre"]
        columns[max(0, header["phase_minimum"] + shift) : max(0, header["phase_maximum"] + shift + 1)] = True
    return columns


def _mask(lines: Tensor) -> Tensor | None:
    """Return the mask (1, W) of lines (slices, partitions, W); None without holes, or where the slices differ."""
    each = lines.any(1)  # (slices, W)
    there = torch.nonzero(each[0])
    if not bool((each == each[:1]).all()) or int(there[-1] - there[0]) + 1 == len(there):
        return None
    return each[:1]
