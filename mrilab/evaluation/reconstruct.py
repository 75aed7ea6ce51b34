"""From a scan to an image with its figures of merit: what `mrilab recon` does, as a function for notebooks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.data.scans import Scan, read_scan, scan_slices
from mrilab.errors import UserError
from mrilab.evaluation.result import METRICS, Result, SliceResult
from mrilab.methods.registry import Reconstruction, check_options, find_method
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
    **options,
) -> Result:
    """Undersample a fully sampled scan, or take an undersampled one as it is, and reconstruct it slice by slice.

    Args:
        scan: a file, read one slice at a time, or a scan in memory.
        method: a name of `mrilab.methods.registry.available_methods()`; `options` are its own. acceleration,
            mask, direction, seed: the retrospective mask (`mrilab.physics.make_mask`), the same for all
            slices; it counts only in columns that were acquired.
        use_mask: insist on the scan's own mask. A scan that has one is taken with it anyway.
        slice: only this one of the file.
        maps_from: "acs": coil maps from the sampled calibration lines. "prescan": from the central 24 x 24
            points of the fully sampled scan, sampled or not, as in Jalal et al. 2021.
        prescan: a separate, fully sampled scan with the same coils and field of view to take the maps from.
        device: "cpu", "cuda", "cuda:1" ... or "auto", which is cuda where there is one.
        oversampling: see `read_scan`.
        progress: show bars on stderr.

    Raises:
        UserError: a scan that cannot be read, or wishes that contradict each other or the scan.
    """
    start = time.perf_counter()
    run = find_method(method)
    options = check_options(method, options)
    target = _device(device)
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

    bars = partial(tqdm, file=sys.stderr, leave=False, disable=None) if progress else _silent
    count, parts = _one_by_one(scan, slice, oversampling)
    results, sources, first = [], [], None
    for part in bars(parts, total=count, desc="slices", unit="slice") if count > 1 else parts:
        chosen, sampling = _choose_mask(part, acceleration, mask, direction, seed, use_mask)
        if part.acquired is not None:
            chosen = chosen & part.acquired
        if first is None:
            first, sampled = part, chosen
        elif not torch.equal(chosen, sampled):
            raise UserError(f"slice {part.slices[0]} of {part.path} has other lines; use --slice, one at a time")
        generator = torch.Generator().manual_seed(seed * 100_003 + part.slices[0])
        calibration = _calibration(part, prescan, maps_from)
        one, source = _reconstruct_slice(part, run, sampled, calibration, target, generator, bars, options)
        results.append(one)
        sources.append(source)

    return Result(
        scan=first.path.name,
        method=method,
        options=options,
        slices=results,
        mask=sampled,
        sampling=sampling,
        nominal_acceleration=_number(first, "acceleration") if acceleration is None else float(acceleration),
        effective_acceleration=effective_acceleration(sampled, first.shape, first.acquired),
        maps_from=", ".join(dict.fromkeys(sources)),
        seed=seed,
        seconds_total=time.perf_counter() - start,
        peak_memory_mb=_peak_memory(target) / 2**20,
        device=str(target),
        noise_std=_number(first, "noise_std"),
    )


def _reconstruct_slice(scan: Scan, run, mask, calibration, device, generator, bars, options):
    """One slice of one scan -> (SliceResult, where the maps came from)."""
    kspace = scan.kspace[0].to(device)  # (coil, H, W)
    reference = None
    if scan.mask is None:
        reference = full_reference(kspace, scan.acquired)  # (H, W)
    acquisition, source = acquire(kspace, mask, None if calibration is None else calibration.to(device))
    y, model = acquisition.kspace, acquisition.model

    start = _clock(device)
    made = run(y, model, generator=generator, progress=bars, **options)
    seconds = _clock(device) - start
    if isinstance(made, Tensor):
        made = Reconstruction(made)
    if made.image.shape != kspace.shape[-2:] or not torch.isfinite(torch.view_as_real(made.image)).all():
        raise UserError(f"the method gave no finite image of slice {scan.slices[0]}; try other options")

    metrics = {}
    if reference is not None:
        for name, metric in METRICS.items():
            metrics[name] = metric(made.image, reference)
            metrics[f"{name}_masked"] = metric(made.image, reference, masked=True)
    tensors = (made.image, model.adjoint(y), reference, made.uncertainty, made.samples)
    tensors = (None if each is None else each.cpu() for each in tensors)
    return SliceResult(scan.slices[0], *tensors, metrics, seconds), source


def _choose_mask(scan: Scan, acceleration, kind, direction, seed, use_mask) -> tuple[Tensor, dict]:
    """The mask to sample with, and how it came about."""
    if scan.mask is not None:
        if acceleration is not None:
            raise UserError(f"{scan.path} is undersampled already; leave out --acceleration to take its own mask")
        return scan.mask, {"mask": "prospective"}
    if use_mask:
        raise UserError(f"{scan.path} is fully sampled and has no mask to use; give --acceleration R instead")
    if acceleration is None:
        raise UserError(f"{scan.path} is fully sampled; give --acceleration R (1 keeps all of it)")
    generator = torch.Generator().manual_seed(seed)
    mask = make_mask(kind, scan.shape, acceleration, direction, generator)
    return mask, {"mask": kind} | ({} if kind == "poisson" else {"direction": direction})


def _calibration(scan: Scan, prescan: Scan | None, maps_from: str) -> Tensor | None:
    """Fully sampled k-space (coil, h, w) to estimate maps from; None: the sampled lines themselves."""
    if prescan is not None:
        if prescan.n_slices not in (1, scan.n_slices):
            raise UserError(f"the prescan has {prescan.n_slices} slices, the scan {scan.n_slices}; give as many, or 1")
        return prescan.kspace[scan.slices[0] if prescan.n_slices > 1 else 0]
    if maps_from == "acs":
        return None
    if scan.mask is not None:
        raise UserError(f"{scan.path} is undersampled, so it holds no prescan; give one with --prescan FILE")
    return scan.kspace[0]


def _one_by_one(scan: Scan | str | Path, slice: int | None, oversampling) -> tuple[int, Iterator[Scan]]:
    """How many slices, and each as a scan of its own."""
    if isinstance(scan, Scan):
        positions = range(len(scan.slices))
        if slice is not None:
            if slice not in scan.slices:
                raise UserError(f"slice {slice} was not read from {scan.path}; read it first")
            positions = [scan.slices.index(slice)]
        return len(positions), (scan.part(n) for n in positions)
    if slice is not None:
        return 1, iter([read_scan(scan, slice, oversampling)])
    count = scan_slices(scan)
    return count, (read_scan(scan, n, oversampling) for n in range(count))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"there is no device {name!r} here; choose cpu, or auto for the best there is") from error
    return device


def _number(scan: Scan, attribute: str) -> float | None:
    value = scan.attrs.get(attribute)
    return float(value) if isinstance(value, int | float | np.number) else None


def _peak_memory(device: torch.device) -> int:
    """Bytes: of torch since the last reset on a GPU, else of this process since its start."""
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


def _silent(iterable, **_):
    return iterable
