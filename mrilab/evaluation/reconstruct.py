"""From a scan to an image with its figures of merit: what `mrilab recon` does, as a function for notebooks."""

import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.data.orientation import scan_affine
from mrilab.data.scans import Scan
from mrilab.data.voxels import voxel_size
from mrilab.errors import UserError
from mrilab.evaluation.asked import asked_for
from mrilab.evaluation.measured import Conditions, Measured, measured_slices, number
from mrilab.evaluation.result import Result, SliceResult, figures_of_merit
from mrilab.evaluation.safety import LIMIT, is_trained, judge
from mrilab.evaluation.seen import unlike_training
from mrilab.machine import clock, find_device, peak_memory
from mrilab.methods.registry import Method, Progress, check_options, estimates_maps, find_method, method_options
from mrilab.names import readable
from mrilab.paths import CHECKPOINTS
from mrilab.training.checkpoints import checkpoint_names, read_card


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
    maps: Tensor | str | Path | None = None,
    device: str = "auto",
    oversampling: float | None = None,
    axes: str | None = None,
    whiten: str = "auto",
    coils: int | None = None,
    safety: bool = False,
    progress: bool = False,
    **options: Any,
) -> Result:
    """Undersample a fully sampled scan, or take an undersampled one as it is, and reconstruct it slice by slice.

    Args:
        scan: a file, read one slice at a time, or a scan in memory.
        method: a name of `mrilab.methods.registry.available_methods()`; `options` are its own.
        acceleration, mask, direction, seed: the retrospective mask (`mrilab.methods.patterns.named_mask`), the same for
            all slices. It counts only in columns that were acquired. `mask` may be a file of `mrilab mask` instead.
        use_mask: insist on the scan's own mask. A scan that has one is taken with it anyway.
        slice: the number of the only slice to reconstruct; all without it.
        maps_from: "acs": coil maps from the sampled calibration lines. "prescan": from the central 24 x 24
            points of the fully sampled scan, sampled or not, as in Jalal et al. 2021.
        prescan: a separate, fully sampled scan with the same coils and field of view to take the maps from.
        maps: coil maps of your own, complex (coil, H, W) or (slices, coil, H, W), or a file of them, see
            `mrilab.data.maps.own_maps`. They take the place of `maps_from` and `prescan`. The reference image keeps
            the maps that are estimated from the full data, so that it is the same whatever maps are tried.
        device: "cpu", "cuda", "cuda:1" ... or "auto", which is cuda where there is one.
        oversampling, axes: see `read_scan`.
        whiten, coils: noise of the coils, and their number; see `mrilab.evaluation.receivers.find_receivers`.
        safety: hold the images of trained methods against L1-wavelet and CG-SENSE (`mrilab.evaluation.safety`), which
            takes the time of both, and warn where they are not to be trusted.
        progress: show bars on stderr.

    Raises:
        UserError: a scan that cannot be read, or arguments that contradict each other or the scan.
    """
    start = time.perf_counter()
    run, target = find_method(method), find_device(device)
    check_options(method, options)
    if maps is not None and estimates_maps(method):
        raise UserError(f"{method} estimates coil maps of its own and would not look at yours; leave out --maps")
    conditions = Conditions(
        acceleration,
        mask,
        direction,
        seed,
        use_mask,
        slice,
        maps_from,
        prescan,
        oversampling,
        axes,
        whiten,
        coils,
        maps,
    )
    if target.type == "cuda":
        torch.cuda.reset_peak_memory_stats(target)

    bar = partial(tqdm, file=sys.stderr, leave=False, disable=None if progress else True)
    slices: list[SliceResult] = []
    shown = partial(bar, desc="slices", unit="slice")
    held = safety and is_trained(method)
    for measured in measured_slices(scan, conditions, target, shown, without_padding=True):
        slices.append(_reconstruct_slice(measured, run, bar, options, held))

    voxel, _ = voxel_size(measured.scan)
    result = Result(
        scan=readable(measured.scan.path.name),
        method=method,
        options=options,
        slices=slices,
        mask=measured.mask,
        sampling=measured.sampling,
        receivers=measured.receivers,
        nominal_acceleration=measured.nominal_acceleration,
        effective_acceleration=measured.effective_acceleration,
        seed=seed,
        seconds_total=time.perf_counter() - start,
        peak_memory_mb=peak_memory(target) / 2**20,
        device=str(target),
        noise_std=number(measured.scan, "noise_std"),
        voxel_mm=voxel,
        affine=scan_affine(measured.scan, voxel, [each.number for each in slices]),
        asked=asked_for(scan, method, conditions, options),
        unlike_training=_unlike_training(method, options, measured) if held else None,
    )
    if result.unlike_training:
        unlike = "; ".join(result.unlike_training)
        warnings.warn(f"{method} has not seen such scans in training: {unlike}", stacklevel=2)
    if result.flagged:
        caught = ", ".join(map(str, result.flagged))
        warnings.warn(
            f"do not trust the image of slice {caught}: it lies more than {LIMIT:g} times as far from L1-wavelet's as "
            "CG-SENSE's does, as no right one did in validation; compare with `mrilab recon l1-wavelet`",
            stacklevel=2,
        )
    return result


def _unlike_training(method: str, options: dict[str, Any], measured: Measured) -> list[str]:
    """Return what of a scan the training of the method's network had not, by the network's card."""
    own = method_options(method)
    key = "network" if "network" in own else "prior"
    name = options.get(key, own[key].default)
    card = read_card(CHECKPOINTS / f"{name}.json") if name in checkpoint_names() else {}
    coils, height, width = measured.acquisition.kspace.shape
    asked = (measured.mask, measured.effective_acceleration, (coils, height, width))
    return unlike_training(card.get("task", {}), *asked)


def _reconstruct_slice(
    measured: Measured, run: Method, progress: Progress, options: dict[str, Any], held: bool
) -> SliceResult:
    """Reconstruct a slice on the device where it lies; what comes back is on the CPU."""
    y, model = measured.acquisition.kspace, measured.acquisition.model
    start = clock(y.device)
    reconstruction = run(y, model, generator=measured.generator(), progress=progress, **options)
    seconds = clock(y.device) - start
    image = reconstruction.image
    if image.shape != y.shape[-2:] or not torch.isfinite(torch.view_as_real(image)).all():
        raise UserError(f"the method gave no finite image of slice {measured.number}; try other options")

    safety = judge(image, y, model) if held else None

    def whole(tensor: Tensor) -> Tensor:
        return measured.enlarged(tensor).cpu()  # (..., h, w) -> (..., H, W)

    optional = (measured.reference, reconstruction.uncertainty, reconstruction.samples)
    reference, uncertainty, samples = (None if each is None else whole(each) for each in optional)
    image, zero_filled = whole(image), whole(model.adjoint(y))
    metrics = {} if reference is None else figures_of_merit(image, reference)
    images = (image, zero_filled, reference, uncertainty, samples)
    return SliceResult(measured.number, *images, metrics, seconds, measured.maps_from, safety)
