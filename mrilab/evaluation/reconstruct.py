"""From a scan to an image with its figures of merit: what `mrilab recon` does, as a function for notebooks."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.data.scans import Scan, read_scan, scan_slices
from mrilab.errors import UserError
from mrilab.evaluation.result import Result, SliceResult, figures_of_merit
from mrilab.machine import find_device
from mrilab.methods.registry import Method, Progress, check_options, find_method
from mrilab.physics.protocol import acquire, full_reference
from mrilab.physics.sampling import effective_acceleration, make_mask


def reconstruct(
    scan: Scan | str | Path,
    method: str,
    *,
    acceleration: float | None = None,
    mask: str = "equispaced",
    direction: str = "vertical",
    seed: int = 0,
    use_mask: bool = False,
    slice: int | None = None,
    maps_from: str = "acs",
    prescan: Scan | str | Path | None = None,
    device: str = "auto",
    oversampling: float | None = None,
    progress: bool = False,
    **options: Any,
) -> Result:
    """Undersample a fully sampled scan, or take an undersampled one as it is, and reconstruct it slice by slice.

    Args:
        scan: a file, read one slice at a time, or a scan in memory.
        method: a name of `mrilab.methods.registry.available_methods()`; `options` are its own.
        acceleration, mask, direction, seed: the retrospective mask (`mrilab.physics.make_mask`), the same for all
            slices. It counts only in columns that were acquired.
        use_mask: insist on the scan's own mask. A scan that has one is taken with it anyway.
        slice: the number of the only slice to reconstruct; all without it.
        maps_from: "acs": coil maps from the sampled calibration lines. "prescan": from the central 24 x 24
            points of the fully sampled scan, sampled or not, as in Jalal et al. 2021.
        prescan: a separate, fully sampled scan with the same coils and field of view to take the maps from.
        device: "cpu", "cuda", "cuda:1" ... or "auto", which is cuda where there is one.
        oversampling: see `read_scan`.
        progress: show bars on stderr.

    Raises:
        UserError: a scan that cannot be read, or arguments that contradict each other or the scan.
    """
    start = time.perf_counter()
    run, target = find_method(method), find_device(device)
    check_options(method, options)
    if target.type == "cuda":
        torch.cuda.reset_peak_memory_stats(target)
    if maps_from not in ("acs", "prescan"):
        raise UserError(f"unknown source of coil maps {maps_from!r}; choose acs or prescan")
    if acceleration is not None and use_mask:
        raise UserError("--acceleration and --use-mask exclude each other; choose one")
    if isinstance(prescan, str | Path):
        prescan = read_scan(prescan)
    if prescan is not None and prescan.mask is not None:
        raise UserError(f"the prescan {prescan.path} is undersampled; coil maps need a fully sampled one")

    bar = partial(tqdm, file=sys.stderr, leave=False, disable=None if progress else True)
    count, parts = _one_by_one(scan, slice, oversampling)
    masks: list[Tensor] = []
    slices: list[SliceResult] = []
    for part in bar(parts, total=count, desc="slices", unit="slice") if count > 1 else parts:
        chosen, sampling = _choose_mask(part, acceleration, mask, direction, seed, use_mask)
        masks.append(chosen if part.acquired is None else chosen & part.acquired)
        if not torch.equal(masks[-1], masks[0]):
            raise UserError(f"slice {part.slices[0]} of {part.path} has other lines; use --slice, one at a time")
        calibration = _calibration(part, prescan, maps_from)
        slices.append(_reconstruct_slice(part, run, masks[0], calibration, target, seed, bar, options))

    return Result(
        scan=part.path.name,
        method=method,
        options=options,
        slices=slices,
        mask=masks[0],
        sampling=sampling,
        nominal_acceleration=_number(part, "acceleration") if acceleration is None else float(acceleration),
        effective_acceleration=effective_acceleration(masks[0], part.shape, part.acquired),
        seed=seed,
        seconds_total=time.perf_counter() - start,
        peak_memory_mb=_peak_memory(target) / 2**20,
        device=str(target),
        noise_std=_number(part, "noise_std"),
    )


def _reconstruct_slice(
    scan: Scan,
    run: Method,
    mask: Tensor,
    calibration: Tensor | None,
    device: torch.device,
    seed: int,
    progress: Progress,
    options: dict[str, Any],
) -> SliceResult:
    """Reconstruct a scan of one slice on `device`; what comes back is on the CPU."""
    kspace = scan.kspace[0].to(device)  # (coil, H, W)
    reference = None if scan.mask is not None else full_reference(kspace, scan.acquired)  # (H, W)
    acquisition, source = acquire(kspace, mask, None if calibration is None else calibration.to(device))
    y, model = acquisition.kspace, acquisition.model
    generator = torch.Generator().manual_seed(seed * 100_003 + scan.slices[0])

    start = _clock(device)
    reconstruction = run(y, model, generator=generator, progress=progress, **options)
    seconds = _clock(device) - start
    image = reconstruction.image
    if image.shape != kspace.shape[-2:] or not torch.isfinite(torch.view_as_real(image)).all():
        raise UserError(f"the method gave no finite image of slice {scan.slices[0]}; try other options")

    metrics = {} if reference is None else figures_of_merit(image, reference)
    optional = (reference, reconstruction.uncertainty, reconstruction.samples)
    reference, uncertainty, samples = (None if tensor is None else tensor.cpu() for tensor in optional)
    images = (image.cpu(), model.adjoint(y).cpu(), reference, uncertainty, samples)
    return SliceResult(scan.slices[0], *images, metrics, seconds, source)


def _choose_mask(
    scan: Scan, acceleration: float | None, kind: str, direction: str, seed: int, use_mask: bool
) -> tuple[Tensor, dict[str, str]]:
    """Return the mask to sample with, and how it came about."""
    if scan.mask is not None:
        if acceleration is not None:
            raise UserError(f"{scan.path} is undersampled already; leave out --acceleration to take its own mask")
        return scan.mask, {"mask": "prospective"}
    if use_mask:
        raise UserError(f"{scan.path} is fully sampled and has no mask to use; give --acceleration R instead")
    if acceleration is None:
        raise UserError(f"{scan.path} is fully sampled; give --acceleration R (1 keeps all of it)")
    mask = make_mask(kind, scan.shape, acceleration, direction, torch.Generator().manual_seed(seed))
    return mask, {"mask": kind} | ({} if kind == "poisson" else {"direction": direction})


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


def _one_by_one(scan: Scan | str | Path, slice: int | None, oversampling: float | None) -> tuple[int, Iterator[Scan]]:
    """Return how many slices there are, and each as a scan of its own."""
    if isinstance(scan, Scan):
        if slice is not None and slice not in scan.slices:
            raise UserError(f"slice {slice} was not read from {scan.path}; read it first")
        positions = [n for n, number in enumerate(scan.slices) if slice in (None, number)]
        return len(positions), map(scan.part, positions)
    if slice is not None:
        return 1, iter([read_scan(scan, slice, oversampling)])
    count = scan_slices(scan)
    return count, (read_scan(scan, n, oversampling) for n in range(count))


def _number(scan: Scan, attribute: str) -> float | None:
    value = scan.attrs.get(attribute)
    return float(value) if isinstance(value, int | float | np.number) else None


def _peak_memory(device: torch.device) -> int:
    """Return the most bytes so far: of torch since the last reset on a GPU, else of this process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":  # ru_maxrss would begin with what the parent held when it forked
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # kernels are still running when the call returns
    return time.perf_counter()
