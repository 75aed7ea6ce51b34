"""Where the lines of an ISMRMRD file lie: slice, partition, rows and column on the grid of the encoded space."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import ifft1c

DIRECTIONS = ("read_dir", "phase_dir", "slice_dir")


@dataclass(frozen=True)
class Grid:
    """Hold the place of each line on a grid of `shape` (slices, partitions, H, W); all arrays are (lines).

    slices, partitions, columns: where the line lies. rows: where its first sample lies that counts. first, length:
    which samples count, after a reversed line was turned. reverse: which lines are to be turned.
    """

    shape: tuple[int, int, int, int]
    slices: np.ndarray
    partitions: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    first: np.ndarray
    length: np.ndarray
    reverse: np.ndarray

    def add(self, kspace: Tensor, count: Tensor, n: int, data: Tensor) -> None:
        """Add the samples (coils, n) of line `n` to k-space (slices, partitions, coils, H, W), and 1 to the count."""
        data = data.flip(1) if self.reverse[n] else data
        row, first, length = int(self.rows[n]), int(self.first[n]), int(self.length[n])
        place, rows, column = (self.slices[n], self.partitions[n]), slice(row, row + length), self.columns[n]
        kspace[(*place, slice(None), rows, column)] += data[:, first : first + length]
        count[(*place, rows, column)] += 1


def line_grid(heads: np.ndarray, reverse: np.ndarray, encoding: Any, path: Path) -> Grid:
    """Return the grid of lines with these headers, so that DC lies at N // 2 of the encoded matrix.

    `encoding` is that of the package. Lines that are as long as the matrix fill it; others lie where their
    `center_sample` says, which counts in the order of acquisition (so it turns with a reversed line).

    Raises:
        UserError: lines or samples that would lie outside of the matrix.
    """
    matrix, limits, idx = encoding.encodedSpace.matrixSize, encoding.encodingLimits, heads["idx"]
    columns = _centred(idx["kspace_encode_step_1"], limits and limits.kspace_encoding_step_1, matrix.y, "line", path)
    partitions, depth = np.zeros(len(heads), dtype=int), 1
    if len(np.unique(idx["kspace_encode_step_2"])) > 1:
        depth = matrix.z
        limit = limits and limits.kspace_encoding_step_2
        partitions = _centred(idx["kspace_encode_step_2"], limit, depth, "partition", path)
    numbers, slices = np.unique(idx["slice"], return_inverse=True)
    before, after, samples, centre = (
        heads[name].astype(int) for name in ("discard_pre", "discard_post", "number_of_samples", "center_sample")
    )
    first = np.where(reverse, after, before)
    centre = np.where(reverse, samples - 1 - centre, centre)
    length = samples - before - after
    height = matrix.x
    if (length > height).any():
        height = int(length.max())
        warnings.warn(
            f"{path} has readouts of {height} samples, its header a matrix of {matrix.x}: the field of view is not "
            "known, and oversampling is judged by the data",
            stacklevel=4,
        )
    rows = np.where(length == height, 0, height // 2 - centre + first)
    if (length < 1).any() or (rows < 0).any() or (rows + length > height).any():
        raise UserError(f"{path} has readouts that do not fit {height} samples around `center_sample`; correct it")
    shape = (len(numbers), depth, height, matrix.y)
    return Grid(shape, slices, partitions, columns, rows, first, length, reverse)


def partitions_to_slices(kspace: Tensor, lines: Tensor, path: Path) -> Tensor:
    """Transform (slices, partitions, coils, H, W) along the partitions: (slices * partitions, coils, H, W).

    `lines` (slices, partitions, W) says what was measured.

    Raises:
        UserError: partitions that are not all measured for all lines, or on one side of DC only.
    """
    depth = kspace.shape[1]
    if depth == 1:
        return kspace[:, 0]
    for slab in lines:
        rows, columns = slab.any(1), slab.any(0)
        there = torch.nonzero(rows)[:, 0]
        low, high = int(there[0]), int(there[-1]) + 1
        if not torch.equal(slab, rows[:, None] & columns) or high - low != len(there):
            raise UserError(
                f"{path} is a 3-D measurement that leaves out partitions of some lines; it cannot be taken apart into "
                "slices, so it cannot be read"
            )
        if abs((depth // 2 - low) - (high - depth // 2)) > 1:
            raise UserError(
                f"{path} is a 3-D measurement with partial Fourier along its partitions ({high - low} of {depth}); it "
                "cannot be taken apart into slices, so it cannot be read"
            )
    slices = torch.stack([ifft1c(slab, dim=0) for slab in kspace])  # slab by slab: a volume may fill the memory
    return slices.flatten(0, 1)


def slice_positions(heads: np.ndarray, grid: Grid, header: dict) -> dict[str, np.ndarray]:
    """Return attributes `position` (mm) and DIRECTIONS, float32 (slices, 3) each; none where the lines do not say.

    Axes are those of the patient, to the left, the back and the head. A partition lies where the field of view of its
    slab puts it.
    """
    ones = [int(np.argmax(grid.slices == n)) for n in range(grid.shape[0])]  # the first line of each slice
    directions = {name: heads[ones][name].astype(np.float64) for name in DIRECTIONS}
    if any(abs(np.linalg.norm(each, axis=1) - 1).max() > 0.01 for each in directions.values()):
        return {}
    position = heads[ones]["position"].astype(np.float64)
    depth = grid.shape[1]
    if depth > 1:
        if "encoded_fov_mm" not in header or not header["encoded_fov_mm"][2]:
            return {}
        offsets = (np.arange(depth) - depth // 2) * header["encoded_fov_mm"][2] / depth  # mm
        position = (position[:, None] + offsets[:, None] * directions["slice_dir"][:, None]).reshape(-1, 3)
        directions = {name: np.repeat(each, depth, axis=0) for name, each in directions.items()}
    return {name: each.astype(np.float32) for name, each in {"position": position, **directions}.items()}


def _centred(steps: np.ndarray, limit: Any, size: int, word: str, path: Path) -> np.ndarray:
    """Return where encoding steps lie on a grid of `size`, so that the centre of the limit comes to size // 2."""
    steps = steps.astype(int)
    if limit is None or limit.maximum < steps.max():
        centre = size // 2
        warnings.warn(f"{path}: the header does not limit its {word}s, so DC is taken as number {centre}", stacklevel=5)
    else:
        centre = limit.center
    places = steps - centre + size // 2
    outside = steps[(places < 0) | (places >= size)]
    if len(outside):
        raise UserError(
            f"{path} has the {word} {outside[0]}, which lies outside of the {size} of its encoded matrix around the "
            f"centre {centre}; correct the header"
        )
    return places
