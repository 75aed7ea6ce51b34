"""From a scan to many answers about a mass in it: what `mrilab segment` does, as a function for notebooks."""

import sys
import time
import warnings
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from mrilab.data.orientation import scan_affine
from mrilab.data.scans import Scan
from mrilab.data.voxels import check_voxel, voxel_size
from mrilab.errors import UserError
from mrilab.evaluation.measured import Conditions, Measured, measured_slices
from mrilab.infomri.masks import DEFAULT
from mrilab.infomri.segment_result import SegmentResult, SliceAnswers
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.machine import clock, find_device, peak_memory
from mrilab.names import readable
from mrilab.nets.channels import real_channels
from mrilab.training.checkpoints import trained

SAMPLES, MOST = 32, 1_000  # answers by default, and at most
PATTERN = next(iter(DEFAULT))


def segment_scan(
    scan: Scan | str | Path,
    *,
    ratio: float | None = None,
    mask: str | None = None,
    use_mask: bool = False,
    samples: int = SAMPLES,
    network: str = "infomri-masses",
    voxel_mm: tuple[float, float, float] | None = None,
    seed: int = 0,
    slice: int | None = None,
    maps_from: str = "acs",
    prescan: Scan | str | Path | None = None,
    oversampling: float | None = None,
    device: str = "auto",
    progress: bool = False,
) -> SegmentResult:
    """Draw answers to where a mass is in each slice of a scan, straight from its samples.

    Args:
        scan: a file, read one slice at a time, or a scan in memory, of the size that the network was trained for.
        ratio: share of the lines to sample first, by the lines that part 1 learned.
        mask: a file that says where to sample, in place of `ratio`.
        use_mask: take the scan's own mask, in place of both.
        samples: number of answers.
        network: a checkpoint of `LatentSegmenter`.
        voxel_mm: height along the readout, width and thickness of a voxel. Without it, from the header.
        seed: of the answers. slice ... progress: as in `mrilab.evaluation.reconstruct.reconstruct`.

    Where the size of a voxel is unknown, volumes are in pixels, and a warning says why. The networks that ship have
    seen simulated masses only.

    Raises:
        UserError: a scan that cannot be read or is of another size, values that are not finite or out of range, or a
            network of another kind.
    """
    start, target = time.perf_counter(), find_device(device)
    learned = trained(network, LatentSegmenter, target)
    conditions = _conditions(learned, ratio, mask, use_mask, samples, voxel_mm)
    shown = partial(tqdm, file=sys.stderr, leave=False, disable=None if progress else True, desc="slices", unit="slice")
    asked = Conditions(
        seed=seed, slice=slice, maps_from=maps_from, prescan=prescan, oversampling=oversampling, **conditions
    )
    slices: list[SliceAnswers] = []
    for measured in measured_slices(scan, asked, target, shown):
        if not slices:
            _check(measured, learned)
            if voxel_mm is None:
                voxel_mm, reason = voxel_size(measured.scan)
                if reason:
                    warnings.warn(reason, stacklevel=2)
        slices.append(_answers(learned, measured, samples))
    return SegmentResult(
        scan=readable(measured.scan.path.name),
        network=network,
        slices=slices,
        mask=measured.mask,
        sampling=measured.sampling,
        effective_acceleration=measured.effective_acceleration,
        seed=seed,
        voxel_mm=voxel_mm,
        seconds_total=time.perf_counter() - start,
        peak_memory_mb=peak_memory(target) / 2**20,
        device=str(target),
        affine=scan_affine(measured.scan, voxel_mm, [each.number for each in slices]),
    )


def _conditions(
    learned: LatentSegmenter,
    ratio: float | None,
    mask: str | None,
    use_mask: bool,
    samples: int,
    voxel_mm: tuple[float, float, float] | None,
) -> dict:
    """Check what can be checked without the scan, and return what `Conditions` needs."""
    if not 1 <= samples <= MOST:
        raise UserError(f"--samples must be 1 to {MOST:,}, not {samples}")
    check_voxel(voxel_mm)
    given = [name for name, each in (("--ratio", ratio), ("--mask", mask)) if each is not None]
    given += ["--use-mask"] if use_mask else []
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)} exclude each other; choose one")
    if use_mask:
        return {"use_mask": True}
    if mask is not None:
        return {"mask": mask}
    if ratio is None:
        raise UserError("say what to sample: --ratio R, --mask FILE, or --use-mask for the scan's own mask")
    low, high = learned.ratios
    if not low <= ratio <= high:
        raise UserError(f"--ratio {ratio:g} is not among {low:g} to {high:g}, for which the network was trained")
    return {"acceleration": 1 / ratio, "mask": PATTERN}


def _check(measured: Measured, learned: LatentSegmenter) -> None:
    shape, side = tuple(measured.scan.shape), learned.shape
    if shape != side:
        raise UserError(
            f"{measured.scan.path.name} is {shape[0]} x {shape[1]}, and the network was trained for {side[0]} x "
            f"{side[1]}; give a scan of that size, or train one for yours"
        )
    low, high = learned.ratios
    ratio = 1 / measured.effective_acceleration
    if not low <= ratio <= high:
        warnings.warn(
            f"the mask keeps {ratio:.1%} of k-space, and the network was trained for {low:.0%} to {high:.0%}; what it "
            "says of this scan is not tested",
            stacklevel=3,
        )


@torch.inference_mode()
def _answers(learned: LatentSegmenter, measured: Measured, samples: int) -> SliceAnswers:
    acquisition = measured.acquisition
    where = acquisition.kspace.device
    start = clock(where)
    zero_filled = acquisition.model.adjoint(acquisition.kspace)  # (H, W)
    prior, image = learned.read(real_channels(zero_filled[None]).contiguous())
    answers = learned.answers(prior, samples, measured.generator())[:, 0]  # (samples, H, W)
    seconds = clock(where) - start
    return SliceAnswers(
        measured.number,
        answers.cpu(),
        image.mean[0, 0].cpu().clone(),
        image.variance[0, 0].sqrt().cpu().clone(),
        seconds,
        measured.maps_from,
    )
