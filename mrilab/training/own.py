"""Training examples of the user's own scans: which slices are held out, on which grid they are drawn, and how.

All examples of a batch have one size, so the whole pool has one. What the phase encoding aliases must stay whole, while
the readout may be cut to a part of its field of view, because every point of it is sampled. Hence three kinds of pool:

- lines: for masks of columns. An example is a window of `side` rows, cut out of the image along the readout, at a
  place drawn by the energy of the rows. All scans get the number of lines that most of them have, at most LONGEST
  sides. Where a scan has more, the outer ones are cut off, which lowers the resolution. Where it has fewer, zeros stand
  in for them and count as not acquired, as the zero padding of a scanner does. Most pixels keep the size that they have
  when the network is used.
- planes: for masks of rows or points. Nothing may be cut out of the image, so an example is a whole plane, with as many
  points as one of lines has at most. Larger scans lose outer k-space.
- images: for priors. A square of `side` points of k-space.

Maps come from the central 24 x 24 points of the full data, once, and not from the calibration lines of each mask: these
differ only where a mask has fewer lines than that.
"""

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from mrilab.data.own import VIRTUAL, Found, Grid, OwnScan, find_scans, prepare_scans
from mrilab.data.scans import Scan
from mrilab.errors import UserError
from mrilab.physics.coils import calibration_lines
from mrilab.physics.fourier import fft1c, ifft1c, mirror
from mrilab.physics.protocol import Acquisition

LONGEST = 3  # largest number of lines, in sides
HELD_OUT = 8  # every eighth scan is for validation
Kind = Literal["lines", "planes", "images"]
Sampling = Callable[[tuple[int, int], int, torch.Generator], Tensor]  # (shape, coils, generator) -> a mask


@dataclass(frozen=True)
class OwnFolders:
    """The folders that the user gave, for training and perhaps for validation, before a task asks for its pool."""

    train: Path
    val: Path | None = None
    cache: Path | None = None

    def pool(self, side: int, kind: Kind) -> "OwnPool":
        """Return the pool of examples for images of `side`. Raises UserError as `find_scans` and `OwnPool` do."""
        return OwnPool(self, side, kind)


class OwnPool:
    """The slices of the user's scans on one grid, those for training and those for validation.

    Slices of one scan are never in both. Without a folder of its own, validation gets every eighth scan, but at least
    one, and of a single scan its last slices.

    Attributes:
        slices: pairs of a scan and the number of a slice, by split: "train" and "val".
        rows: number of rows of an example of lines; 0 for the others, which are whole.

    Raises:
        UserError: scans that cannot be prepared, one scan with one slice alone, or a scan that is in both folders.
    """

    def __init__(self, folders: OwnFolders, side: int, kind: Kind):
        found = find_scans(folders.train)
        held_out = find_scans(folders.val) if folders.val else []
        grid = _grid([*found, *held_out], side, kind)
        train = prepare_scans(found, grid, folders.cache)
        self.folders, self.kind = folders, kind
        if held_out:
            val = prepare_scans(held_out, grid, folders.cache)
            if {scan.content for scan in train} & {scan.content for scan in val}:
                raise UserError("a scan is both in --data and in --val; remove it from one, or nothing is validated")
            self.held_out = f"the folder {folders.val.resolve().name}" if folders.val else ""
            self.slices = {"train": _all(train), "val": _all(val)}
        elif len(train) > 1:
            last = [scan for n, scan in enumerate(train) if n % HELD_OUT == HELD_OUT - 1] or train[-1:]
            self.held_out = "every eighth scan" if len(train) >= HELD_OUT else "the last scan"
            # the same scan under two names is one scan
            chosen = {scan.content for scan in last}
            self.slices = {"train": _all(s for s in train if s.content not in chosen), "val": _all(last)}
        else:
            pairs = _all(train)
            count = max(1, len(pairs) // HELD_OUT)
            self.held_out = "the last slices of the only scan"
            warnings.warn(
                "there is one scan only: its last slices are held out, which resemble the others", stacklevel=3
            )
            self.slices = {"train": pairs[:-count], "val": pairs[-count:]}
        if not self.slices["train"]:
            raise UserError("nothing is left to train on once a slice is held out; give more scans, or --val FOLDER")
        scans = [scan for each in self.slices.values() for scan, _ in each]
        self.rows = min(side, min(scan.shape[0] for scan in scans)) if kind == "lines" else 0

    @property
    def facts(self) -> dict[str, Any]:
        """Return what a card says of the scans: never the name of one."""
        used = {split: {scan.file: scan for scan, _ in pairs} for split, pairs in self.slices.items()}
        scans = [*used["train"].values(), *used["val"].values()]
        contents = "".join(sorted(scan.content for scan in scans))
        return {
            "folder": self.folders.train.resolve().name,
            "scans": {split: len(each) for split, each in used.items()},
            "slices": {split: len(pairs) for split, pairs in self.slices.items()},
            "shapes": sorted({f"{scan.shape[0]} x {scan.shape[1]}" for scan in scans}),
            "coils": sorted({scan.coils for scan in scans}),
            "held_out": self.held_out,
            "examples": self.kind if not self.rows else f"{self.kind}, {self.rows} rows",
            "sha256": hashlib.sha256(contents.encode()).hexdigest(),  # a run resumes with the same data only
        }

    def validation_scans(self, most: int) -> list[Scan]:
        """Return up to `most` held-out slices, evenly spread, as scans of one slice each."""
        pairs = self.slices["val"]
        count = min(most, len(pairs))
        chosen = [pairs[i * len(pairs) // count] for i in range(count)]
        # the name says nothing of the file
        return [Scan(scan.read(n, "kspace")[0][None], Path("own.h5"), acquired=scan.acquired) for scan, n in chosen]

    def draw(self, split: str, place: float | None, generator: torch.Generator) -> tuple[OwnScan, int]:
        """Return a slice, at random or, for validation, at a `place` from 0 to 1 among all."""
        pairs = self.slices[split]
        if place is not None:
            return pairs[int(place * len(pairs))]
        return pairs[int(torch.randint(len(pairs), (), generator=generator))]

    def images(self, n: int, generator: torch.Generator, split: str, device: torch.device | str = "cpu") -> Tensor:
        """Draw `n` references, complex64 (n, H, W), in training mirrored and, where they are square, transposed."""
        images = []
        for i in range(n):
            scan, number = self.draw(split, None if split == "train" else i / n, generator)
            (image,) = scan.read(number, "reference")
            images.append(_turn((image,), generator)[0] if split == "train" else image)
        return torch.stack(images).to(device)

    def acquisitions(
        self, n: int, sampling: Sampling, generator: torch.Generator, split: str, device: torch.device | str = "cpu"
    ) -> Acquisition:
        """Draw `n` acquisitions of VIRTUAL coils, in units of the zero-filled 0.99 quantile of the whole plane.

        Fewer coils than VIRTUAL have empty ones beside them.
        """
        scans = [self._acquisition(None if split == "train" else i / n, sampling, generator, split) for i in range(n)]
        return Acquisition(*(torch.stack(fields).to(device) for fields in zip(*scans, strict=True)))

    def _acquisition(
        self, place: float | None, sampling: Sampling, generator: torch.Generator, split: str
    ) -> Acquisition:
        scan, number = self.draw(split, place, generator)
        planes = (*scan.read(number, "kspace", "maps", "reference"), scan.acquired)
        if split == "train":
            planes = _turn(planes, generator, transposed=self.kind == "planes")
        full, maps, reference, acquired = planes
        shape = (full.shape[-2], full.shape[-1])
        mask = sampling(shape, scan.coils, generator) & acquired
        if self.kind == "planes":
            mask = mask.expand(shape)
        drawn = Acquisition(full * mask, mask, maps, reference, mask)
        drawn = drawn.over(drawn.scale())
        if self.kind == "lines":
            drawn = _window(drawn._replace(acs=calibration_lines(mask, shape)), self.rows, generator)
        missing = (0, 0, 0, 0, 0, VIRTUAL - len(maps))
        return drawn._replace(kspace=pad(drawn.kspace, missing), coil_maps=pad(drawn.coil_maps, missing))


def _all(scans: Any) -> list[tuple[OwnScan, int]]:
    return [(scan, n) for scan in scans for n in range(scan.slices)]


def _grid(found: list[Found], side: int, kind: Kind) -> Grid:
    """Return the grid of a pool, from the shape that most scans have."""
    if kind == "images":
        return side, side
    (height, width), _ = Counter(scan.shape for scan in found).most_common(1)[0]
    if kind == "lines":
        return None, min(width, LONGEST * side)
    most = isqrt(LONGEST * side**2)
    return min(height, most), min(width, most)


def _turn(planes: tuple[Tensor, ...], generator: torch.Generator, transposed: bool = True) -> tuple[Tensor, ...]:
    """Mirror planes at random and, where they are square and it is allowed, exchange rows and columns."""
    first, second, third = (torch.rand(3, generator=generator) < 0.5).tolist()
    # of an axis with one point, which stands for all, nothing changes
    planes = tuple(mirror(x, tuple(dim for dim, turn in ((-2, first), (-1, second)) if turn)) for x in planes)
    square = planes[0].shape[-2] == planes[0].shape[-1]
    return tuple(x.mT for x in planes) if third and transposed and square else planes


def _window(scan: Acquisition, rows: int, generator: torch.Generator) -> Acquisition:
    """Cut a window of rows out of the field of view. The mask is one of columns (1, W), so this is what a scan gives.

    Its middle is a row drawn with a probability that is the energy of the image there, as far as the borders allow.
    """
    height = scan.target.shape[-2]
    energy = scan.target.abs().square().sum(-1)  # (H,)
    middle = int(torch.multinomial(energy, 1, generator=generator))
    top = min(max(0, middle - rows // 2), height - rows)
    inside = slice(top, top + rows)
    kspace = fft1c(ifft1c(scan.kspace, -2)[..., inside, :], -2)  # (coil, rows, W)
    return scan._replace(kspace=kspace, coil_maps=scan.coil_maps[..., inside, :], reference=scan.target[inside])
