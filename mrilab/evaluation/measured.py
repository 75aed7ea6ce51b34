"""From a scan to its measured slices, one by one: mask, coil maps and reference, the same for all that reconstructs."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.data.maps import own_maps
from mrilab.data.masks import is_mask_file, read_mask
from mrilab.data.scans import Scan, read_scan
from mrilab.data.support import central_grid
from mrilab.data.survey import good_slices
from mrilab.errors import UserError
from mrilab.evaluation.receivers import check_receivers, find_receivers
from mrilab.methods.patterns import find_pattern, named_mask
from mrilab.methods.registry import Progress
from mrilab.physics.fourier import centre_crop, centre_pad, fft2c, ifft2c
from mrilab.physics.protocol import Acquisition, acquire, full_reference
from mrilab.physics.sampling import POINTS, effective_acceleration
from mrilab.physics.view import narrow_view

SAME_VIEW = 0.02  # relative difference of fields of view that is none


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
    axes: str | None = None
    whiten: str = "auto"
    coils: int | None = None
    maps: Tensor | str | Path | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without the scan."""
        check_receivers(self.whiten, self.coils)
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

    scan: the slice as it was read. acquisition: k-space (coil, h, w), zero where not sampled, with its maps and mask.
        The grid (h, w) is that of the scan, or a smaller one without its padding.
    mask: bool (1, W), (H, 1) or (H, W) on the CPU and on the scan's grid, without what was never acquired.
    sampling: words on how the mask came about. maps_from: a word on where the coil maps come from.
    reference: (h, w) complex MVUE of the fully sampled data; None where the scan is undersampled.
    nominal_acceleration: None where nobody asked for one. receivers: what was done with the coils.
    """

    scan: Scan
    acquisition: Acquisition
    mask: Tensor
    sampling: dict[str, str]
    maps_from: str
    reference: Tensor | None
    nominal_acceleration: float | None
    seed: int
    receivers: dict[str, Any]

    @property
    def number(self) -> int:
        """Return the number of the slice in its file."""
        return self.scan.slices[0]

    @property
    def effective_acceleration(self) -> float:
        """Return what the mask does, among the columns that were acquired."""
        return effective_acceleration(self.mask, self.scan.shape, self.scan.acquired)

    def enlarged(self, image: Tensor) -> Tensor:
        """Return images on the scan's grid, (..., h, w) -> (..., H, W): padding is put back around their k-space."""
        if image.shape[-2:] == self.scan.shape:
            return image
        padded = ifft2c(centre_pad(fft2c(image), self.scan.shape))
        return padded if image.is_complex() else padded.real.clamp_min(0)  # a deviation stays real and positive

    def generator(self) -> torch.Generator:
        """Return a new generator that the seed and the number of the slice decide."""
        return torch.Generator().manual_seed(self.seed * 100_003 + self.number)


def measured_slices(
    scan: Scan | str | Path,
    conditions: Conditions,
    device: torch.device,
    progress: Progress = iter,
    without_padding: bool = False,
) -> Iterator[Measured]:
    """Yield the slices of a scan in memory or in a file, which is read one slice at a time, sampled with one mask.

    Points that are padded with zeros all around are not missing. Methods that would fill them are better off
    `without_padding`: then they see the smallest grid around DC that holds all that was acquired.

    Raises:
        UserError: a scan or prescan that cannot be read, conditions that contradict the scan, slices with other lines.
    """
    prescan = conditions.prescan
    if isinstance(prescan, str | Path):
        prescan = read_scan(prescan)
    if prescan is not None and prescan.mask is not None:
        raise UserError(f"the prescan {prescan.path} is undersampled; coil maps need a fully sampled one")
    own = None if conditions.maps is None else own_maps(conditions.maps)
    reads = _one_by_one(scan, conditions)
    first = None
    for read in progress(reads) if len(reads) > 1 else reads:
        part = read()
        chosen, sampling = _choose_mask(part, conditions)
        mask = chosen if part.acquired is None else chosen & part.acquired
        first = mask if first is None else first
        if not torch.equal(mask, first):
            raise UserError(f"slice {part.slices[0]} of {part.path} has other lines; use --slice, one at a time")
        calibration = _calibration(part, prescan, conditions.maps_from)
        acquired = torch.ones(1, 1, dtype=torch.bool) if part.acquired is None else part.acquired
        grid = central_grid(acquired, part.shape) if without_padding and own is None else part.shape
        estimated = calibration is None and own is None
        receivers = find_receivers(part, mask, conditions.whiten, conditions.coils, estimated)
        kspace = centre_crop(receivers.of_kspace(part.kspace[0]), grid).to(device)  # (new coil, h, w)
        sampled = crop_lines(mask, grid)
        reference = None if part.mask is not None else full_reference(kspace, crop_lines(acquired, grid))  # (h, w)
        if own is None:
            prepared = None if calibration is None else receivers.of_kspace(calibration).to(device)
            acquisition, source = acquire(kspace, sampled, prepared)
        else:
            sampled = sampled.to(device)
            maps = receivers.of_maps(own.part(part)).to(device)
            acquisition, source = Acquisition(kspace * sampled, sampled, maps), own.source
        asked = conditions.acceleration
        nominal = number(part, "acceleration") if asked is None else float(asked)
        yield Measured(part, acquisition, mask, sampling, source, reference, nominal, conditions.seed, receivers.said)


def number(scan: Scan, attribute: str) -> float | None:
    """Return an attribute of the file, or None where it is missing or no number."""
    value = scan.attrs.get(attribute)
    return float(value) if isinstance(value, int | float | np.number) else None


def crop_lines(mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the part of a mask (1, W), (H, 1) or (H, W) that lies on the smaller grid (h, w)."""
    return centre_crop(mask, (min(mask.shape[0], grid[0]), min(mask.shape[1], grid[1])))


def _choose_mask(scan: Scan, conditions: Conditions) -> tuple[Tensor, dict[str, str]]:
    """Return the mask to sample with, and how it came about."""
    acceleration, kind, direction = conditions.acceleration, conditions.mask, conditions.direction
    if scan.mask is not None:
        if acceleration is not None or is_mask_file(kind):
            option = "--mask FILE" if acceleration is None else "--acceleration"
            raise UserError(f"{scan.path} is undersampled already; leave out {option} to take its own mask")
        return scan.mask, {"mask": "prospective"}
    if scan.beside is not None and (conditions.use_mask or (acceleration is None and not is_mask_file(kind))):
        return scan.beside, {"mask": "of the file"}
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
        if prescan.n_slices > 1 and scan.slices[0] not in prescan.slices:
            raise UserError(f"slice {scan.slices[0]} was not read from the prescan {prescan.path}; read it first")
        number = prescan.slices.index(scan.slices[0]) if prescan.n_slices > 1 else 0
        return _same_view(prescan.kspace[number], scan, prescan)
    if maps_from == "acs":
        return None
    if scan.mask is not None:
        raise UserError(f"{scan.path} is undersampled, so it holds no prescan; give one with --prescan FILE")
    return scan.kspace[0]


def _same_view(kspace: Tensor, scan: Scan, prescan: Scan) -> Tensor:
    """Return k-space of the prescan, (coil, h, w), on the field of view of the scan where the headers tell both."""
    if scan.view_mm is None or prescan.view_mm is None:
        return kspace
    height, width = (own / other for own, other in zip(scan.view_mm, prescan.view_mm, strict=True))
    if max(abs(height - 1), abs(width - 1)) <= SAME_VIEW:
        return kspace
    of_scan, of_prescan = (f"{each[0]:g} x {each[1]:g} mm" for each in (scan.view_mm, prescan.view_mm))
    if max(height, width) > 1 + SAME_VIEW:
        raise UserError(
            f"the prescan {prescan.path} covers {of_prescan} and the scan {of_scan}; give one that covers the scan"
        )
    warnings.warn(
        f"the prescan covers {of_prescan} and the scan {of_scan}: it is resampled to the scan, which is right if both "
        "have the same centre",
        stacklevel=3,
    )
    return narrow_view(kspace, (min(height, 1.0), min(width, 1.0)))


def _one_by_one(scan: Scan | str | Path, conditions: Conditions) -> list[Callable[[], Scan]]:
    """Return for each good slice a function that reads it as a scan of its own."""
    slice, axes = conditions.slice, conditions.axes
    if isinstance(scan, Scan):
        if slice is not None and slice not in scan.slices:
            raise UserError(f"slice {slice} was not read from {scan.path}; read it first")
        return [partial(scan.part, n) for n, own in enumerate(scan.slices) if slice in (None, own)]
    numbers = good_slices(Path(scan), axes) if slice is None else [slice]
    return [partial(read_scan, scan, n, conditions.oversampling, axes) for n in numbers]
