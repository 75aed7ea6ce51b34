"""From a scan to its measured slices, one by one: mask, coil maps and reference, the same for all that reconstructs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.maps import own_maps
from mrilab.data.masks import is_mask_file, read_mask
from mrilab.data.scans import Scan, read_scan, scan_slices
from mrilab.errors import UserError
from mrilab.methods.patterns import find_pattern, named_mask
from mrilab.methods.registry import Progress
from mrilab.physics.protocol import Acquisition, acquire, full_reference
from mrilab.physics.sampling import POINTS, effective_acceleration


@dataclass(frozen=True)
class Conditions:
    """How a scan is sampled, and where its coil maps come from; `reconstruct` explains each value.

    Raises:
        UserError: values that contradict each other, or a prescan that is undersampled.
    """

    acceleration: float | None = None
    mask: str = "equispaced"
    direction: str = "vertical"
    seed: int = 0
    use_mask: bool = False
    slice: int | None = None
    maps_from: str = "acs"
    prescan: Scan | str | Path | None = None
    oversampling: float | None = None
    maps: Tensor | str | Path | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without the scan."""
        if self.maps_from not in ("acs", "prescan"):
            raise UserError(f"unknown source of coil maps {self.maps_from!r}; choose acs or prescan")
        if self.maps is not None and (self.prescan is not None or self.maps_from != "acs"):
            option = "--maps-from prescan" if self.prescan is None else "--prescan"
            raise UserError(f"--maps and {option} exclude each other; choose one")
        if self.acceleration is not None and self.use_mask:
            raise UserError("--acceleration and --use-mask exclude each other; choose one")
        if is_mask_file(self.mask):
            for given, option in ((self.acceleration is not None, "--acceleration"), (self.use_mask, "--use-mask")):
                if given:
                    raise UserError(f"{option} and a mask from a file exclude each other; choose one")


@dataclass(frozen=True)
class Measured:
    """One slice as it was measured, on the device that reconstructs.

    scan: the slice as it was read. acquisition: k-space (coil, H, W), zero where not sampled, with its maps and mask.
    mask: bool (1, W), (H, 1) or (H, W) on the CPU; columns that were never acquired are left out.
    sampling: words on how the mask came about. maps_from: a word on where the coil maps come from.
    reference: (H, W) complex MVUE of the fully sampled data; None where the scan is undersampled.
    nominal_acceleration: None where nobody asked for one.
    """

    scan: Scan
    acquisition: Acquisition
    mask: Tensor
    sampling: dict[str, str]
    maps_from: str
    reference: Tensor | None
    nominal_acceleration: float | None
    seed: int

    @property
    def number(self) -> int:
        """Return the number of the slice in its file."""
        return self.scan.slices[0]

    @property
    def effective_acceleration(self) -> float:
        """Return what the mask does, among the columns that were acquired."""
        return effective_acceleration(self.mask, self.scan.shape, self.scan.acquired)

    def generator(self) -> torch.Generator:
        """Return a new generator that the seed and the number of the slice decide."""
        return torch.Generator().manual_seed(self.seed * 100_003 + self.number)


def measured_slices(
    scan: Scan | str | Path, conditions: Conditions, device: torch.device, progress: Progress = iter
) -> Iterator[Measured]:
    """Yield the slices of a scan in memory or in a file, which is read one slice at a time, sampled with one mask.

    Raises:
        UserError: a scan or prescan that cannot be read, conditions that contradict the scan, slices with other lines.
    """
    prescan = conditions.prescan
    if isinstance(prescan, str | Path):
        prescan = read_scan(prescan)
    if prescan is not None and prescan.mask is not None:
        raise UserError(f"the prescan {prescan.path} is undersampled; coil maps need a fully sampled one")
    own = None if conditions.maps is None else own_maps(conditions.maps)
    reads = _one_by_one(scan, conditions.slice, conditions.oversampling)
    first = None
    for read in progress(reads) if len(reads) > 1 else reads:
        part = read()
        chosen, sampling = _choose_mask(part, conditions)
        mask = chosen if part.acquired is None else chosen & part.acquired
        first = mask if first is None else first
        if not torch.equal(mask, first):
            raise UserError(f"slice {part.slices[0]} of {part.path} has other lines; use --slice, one at a time")
        calibration = _calibration(part, prescan, conditions.maps_from)
        kspace = part.kspace[0].to(device)  # (coil, H, W)
        reference = None if part.mask is not None else full_reference(kspace, part.acquired)  # (H, W)
        if own is None:
            acquisition, source = acquire(kspace, mask, None if calibration is None else calibration.to(device))
        else:
            sampled = mask.to(device)
            acquisition, source = Acquisition(kspace * sampled, sampled, own.part(part).to(device)), own.source
        asked = conditions.acceleration
        nominal = number(part, "acceleration") if asked is None else float(asked)
        yield Measured(part, acquisition, mask, sampling, source, reference, nominal, conditions.seed)


def number(scan: Scan, attribute: str) -> float | None:
    """Return an attribute of the file, or None where it is missing or no number."""
    value = scan.attrs.get(attribute)
    return float(value) if isinstance(value, int | float | np.number) else None


def _choose_mask(scan: Scan, conditions: Conditions) -> tuple[Tensor, dict[str, str]]:
    """Return the mask to sample with, and how it came about."""
    acceleration, kind, direction = conditions.acceleration, conditions.mask, conditions.direction
    if scan.mask is not None:
        if acceleration is not None or is_mask_file(kind):
            option = "--mask FILE" if acceleration is None else "--acceleration"
            raise UserError(f"{scan.path} is undersampled already; leave out {option} to take its own mask")
        return scan.mask, {"mask": "prospective"}
    if conditions.use_mask:
        raise UserError(f"{scan.path} is fully sampled and has no mask to use; give --acceleration R instead")
    if is_mask_file(kind):
        return read_mask(kind, scan.shape), {"mask": Path(kind).name}
    if acceleration is None:
        raise UserError(f"{scan.path} is fully sampled; give --acceleration R (1 keeps all of it)")
    mask = named_mask(kind, scan.shape, acceleration, direction, conditions.seed)
    undirected = kind in ("poisson", *POINTS) or find_pattern(kind) is not None
    return mask, {"mask": kind} | ({} if undirected else {"direction": direction})


def _calibration(scan: Scan, prescan: Scan | None, maps_from: str) -> Tensor | None:
    """Return fully sampled k-space (coil, h, w) to estimate maps from, or None for the sampled lines themselves."""
    if prescan is not None:
        if prescan.n_slices not in (1, scan.n_slices):
            raise UserError(f"the prescan has {prescan.n_slices} slices, the scan {scan.n_slices}; give as many, or 1")
        return prescan.kspace[scan.slices[0] if prescan.n_slices > 1 else 0]
    if maps_from == "acs":
        return None
    if scan.mask is not None:
        raise UserError(f"{scan.path} is undersampled, so it holds no prescan; give one with --prescan FILE")
    return scan.kspace[0]


def _one_by_one(scan: Scan | str | Path, slice: int | None, oversampling: float | None) -> list[Callable[[], Scan]]:
    """Return for each slice a function that reads it as a scan of its own."""
    if isinstance(scan, Scan):
        if slice is not None and slice not in scan.slices:
            raise UserError(f"slice {slice} was not read from {scan.path}; read it first")
        return [partial(scan.part, n) for n, own in enumerate(scan.slices) if slice in (None, own)]
    numbers = range(scan_slices(scan)) if slice is None else [slice]
    return [partial(read_scan, scan, n, oversampling) for n in numbers]
