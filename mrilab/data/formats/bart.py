"""Files of the Berkeley Advanced Reconstruction Toolbox: NAME.hdr (dimensions) and NAME.cfl (complex64, column-major).

The order of the dimensions is that of BART's src/misc/mri.h: 0 readout, 1 and 2 phase encoding, 3 coils, 4 sets of
maps, 5 echo times, ..., 10 time, 13 slices.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.formats.raw import Raw, check_kspace, check_size
from mrilab.errors import UserError

DIMENSIONS = 16
READOUT, PHASE, COILS, SLICES = 0, 1, 3, 13
WORDS = {2: "second phase encoding", 4: "maps", 5: "echo times", 10: "time", 11: "second time", 14: "averages"}


def pair(path: str | Path) -> tuple[Path, Path]:
    """Return NAME.cfl and NAME.hdr of either of them."""
    path = Path(path)
    return path.with_suffix(".cfl"), path.with_suffix(".hdr")


def read_cfl(path: str | Path) -> np.ndarray:
    """Return an array of BART, complex64 of 16 dimensions, mapped from the disk. `path` is one of its two files.

    Raises:
        UserError: one of the two files is missing, or they do not fit together.
    """
    data, header = pair(path)
    for each in (data, header):
        if not each.is_file():
            raise UserError(f"there is no file {each}; BART keeps an array in NAME.cfl and NAME.hdr, give both")
    shape = tuple(_dimensions(header))
    if data.stat().st_size != 8 * int(np.prod(shape, dtype=object)):
        raise UserError(f"{data} has {data.stat().st_size} bytes, which is not what {header} says; copy both again")
    return np.memmap(data, dtype="<c8", mode="r", shape=shape, order="F")


def read_bart(path: Path) -> Raw:
    """Read k-space of dimensions (readout, phase, 1, coils, 1, ..., slices).

    Raises:
        UserError: one of the two files is missing or damaged, or another dimension is longer than 1.
    """
    values, data = read_cfl(path), pair(path)[0]
    shape = values.shape
    other = [n for n in range(len(shape)) if n not in (READOUT, PHASE, COILS, SLICES) and shape[n] > 1]
    if other:
        named = ", ".join(f"{n} ({WORDS[n]})" if n in WORDS else str(n) for n in other)
        raise UserError(
            f"{data} is longer than 1 along dimension {named}; `bart slice` or `bart transpose` it first, so that only "
            "readout (0), phase (1), coils (3) and slices (13) remain"
        )
    check_size([shape[n] for n in (SLICES, COILS, READOUT, PHASE)], data)
    kspace = values.reshape(shape[READOUT], shape[PHASE], shape[COILS], shape[SLICES], order="F").transpose(3, 2, 0, 1)
    raw = Raw(torch.from_numpy(np.ascontiguousarray(kspace, dtype=np.complex64)))
    check_kspace(raw.kspace, data)
    return raw


def write_bart(path: Path, array: Tensor) -> tuple[Path, Path]:
    """Write k-space (slices, coils, H, W) or images (slices, H, W) as NAME.cfl and NAME.hdr, and return the names.

    Raises:
        UserError: a place that cannot be written.
    """
    data, header = pair(path)
    array = array[:, None] if array.ndim == 3 else array
    values = array.cpu().resolve_conj().numpy().astype("<c8").transpose(2, 3, 1, 0)  # (H, W, coils, slices)
    shape = [1] * DIMENSIONS
    for dimension, length in zip((READOUT, PHASE, COILS, SLICES), values.shape, strict=True):
        shape[dimension] = length
    with atomic_path(data) as large, atomic_path(header) as small:
        with large.open("wb") as file:
            file.write(values.tobytes(order="F"))
        small.write_text("# Dimensions\n" + " ".join(map(str, shape)) + "\n", encoding="ascii")
    return data, header


def _dimensions(header: Path) -> Sequence[int]:
    """Return the lengths of 16 dimensions that a .hdr file states in the line after "# Dimensions"."""
    lines = [line.strip() for line in header.read_text(encoding="ascii", errors="replace").splitlines()]
    try:
        shape = [int(word) for word in lines[lines.index("# Dimensions") + 1].split()]
    except (ValueError, IndexError) as error:
        raise UserError(f"{header} does not state the dimensions of {header.with_suffix('.cfl').name}") from error
    if not shape or len(shape) > DIMENSIONS or min(shape) < 1:
        raise UserError(f"{header} states the dimensions {shape}; 1 to {DIMENSIONS} numbers from 1 on are needed")
    return shape + [1] * (DIMENSIONS - len(shape))
