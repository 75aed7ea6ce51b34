"""From a scan to the bounds of some classes: what `mrilab bounds` does, as a function for notebooks."""

import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from mrilab.csgm.prior import ScorePrior
from mrilab.data.orientation import scan_affine
from mrilab.data.scans import Scan
from mrilab.data.voxels import check_voxel, voxel_size
from mrilab.errors import UserError
from mrilab.evaluation.measured import Conditions, Measured, measured_slices
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.machine import Precision, clock, find_device, peak_memory
from mrilab.methods.registry import Progress
from mrilab.names import readable
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.bounds import check_range, guided_bounds
from mrilab.sgr.bounds_result import VARIANTS, BoundsResult, Images, SliceBounds
from mrilab.sgr.classes import class_maps, class_numbers, load_segmenter, second_segmenter
from mrilab.sgr.dds import STEPS, run_chain
from mrilab.sgr.guidance import RANGE, STRENGTH, THROUGH, Guidance, Through
from mrilab.sgr.moved import VIEW, View, seen
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.segmentation import Segmenter


def find_bounds(
    scan: Scan | str | Path,
    classes: Sequence[str],
    *,
    prior: str = "score-heads",
    segment: str = "segment-heads",
    second: str | None = None,
    strength: float = STRENGTH,
    steps: int = STEPS,
    range: tuple[float, float] = RANGE,
    through: Through = THROUGH,
    view: View = VIEW,
    samples: int = 0,
    precision: Precision = "auto",
    voxel_mm: tuple[float, float, float] | None = None,
    acceleration: float | None = None,
    mask: str = "poisson",
    direction: str = "vertical",
    seed: int = 0,
    use_mask: bool = False,
    slice: int | None = None,
    maps_from: str = "acs",
    prescan: Scan | str | Path | None = None,
    oversampling: float | None = None,
    device: str = "auto",
    progress: bool = False,
) -> BoundsResult:
    """Reconstruct each slice of a scan with the least and with the largest volume of each class that guidance finds.

    Args:
        scan: a file, read one slice at a time, or a scan in memory.
        classes: names of classes that the segmentation network knows.
        prior, segment: checkpoints of the score prior and of the segmentation network that guides.
        second: checkpoint of a network that only looks. Without it, SEGMENT-second where that knows the classes.
        strength: b, the largest push of the guidance over the norm of epsilon, in each of `steps` steps.
        range: lowest and highest sigma at which guidance acts.
        through: see `Guidance`.
        view: how the segmentation network sees the images that it guides, see `mrilab.sgr.moved`.
        samples: number K of repeated reconstructions to hold the bounds against.
        voxel_mm: height along the readout, width and thickness of a voxel. Without it, from the header.
        acceleration ... progress: as in `mrilab.evaluation.reconstruct.reconstruct`.

    Where the size of a voxel is unknown, volumes are in pixels, and a warning says why. Another one names each class
    that is not there.

    Raises:
        UserError: a scan that cannot be read, networks that are not there or of another kind, classes that the network
            does not know, values that are out of range, or a gradient that is not finite.
    """
    start = time.perf_counter()
    target = find_device(device)
    _check(strength, samples, voxel_mm)
    conditions = Conditions(acceleration, mask, direction, seed, use_mask, slice, maps_from, prescan, oversampling)
    score, first = ScorePrior(prior, target, precision), load_segmenter(segment, target)
    numbers = class_numbers(first, segment, classes)
    other = second_segmenter(second, segment, list(numbers), target)
    sampling = Sampling(steps=steps)
    looking = seen(first, view, torch.Generator().manual_seed(seed))
    guidance = Guidance(looking, list(numbers.values()), strength, range, through)
    job = _Job(score, sampling, guidance, first, other, samples)
    check_range(guidance, sampling.times(score))
    if target.type == "cuda":
        torch.cuda.reset_peak_memory_stats(target)

    bar = partial(tqdm, file=sys.stderr, leave=False, disable=None if progress else True)
    slices: list[SliceBounds] = []
    for measured in measured_slices(scan, conditions, target, partial(bar, desc="slices", unit="slice")):
        if not slices and voxel_mm is None:
            voxel_mm, reason = voxel_size(measured.scan)
            if reason:
                warnings.warn(reason, stacklevel=2)
        slices.append(job.run(measured, bar))
    settings = {
        "prior": prior,
        "segment": segment,
        "second": None if other is None else second or f"{segment}-second",
        "strength": strength,
        "steps": steps,
        "range": list(range),
        "through": through,
        "view": view,
        "samples": samples,
    }
    result = BoundsResult(
        scan=readable(measured.scan.path.name),
        classes=numbers,
        names=first.classes,
        settings=settings,
        slices=slices,
        mask=measured.mask,
        sampling=measured.sampling,
        nominal_acceleration=measured.nominal_acceleration,
        effective_acceleration=measured.effective_acceleration,
        seed=seed,
        voxel_mm=voxel_mm,
        seconds_total=time.perf_counter() - start,
        peak_memory_mb=peak_memory(target) / 2**20,
        device=str(target),
        affine=scan_affine(measured.scan, voxel_mm, [each.number for each in slices]),
    )
    for name in numbers:
        if not result.volumes(name)["unguided"]:
            warnings.warn(f"{segment} finds no {name} in {result.scan} without guidance: 0 {result.unit}", stacklevel=2)
    return result


@dataclass(frozen=True)
class _Job:
    """What is done with every slice."""

    prior: ScorePrior
    sampling: Sampling
    guidance: Guidance
    first: Segmenter
    second: Segmenter | None
    samples: int

    def run(self, measured: Measured, bar: partial) -> SliceBounds:
        """Reconstruct and segment one slice. What comes back is on the CPU."""
        y, model = measured.acquisition.kspace, measured.acquisition.model
        start, generator = clock(y.device), measured.generator()
        chain, q = self.sampling.chain(self.prior, y, model, generator)
        grid = self.sampling.times(self.prior)
        state = generator.get_state()
        steps: Progress = partial(bar, desc="bounds", unit="step")
        low, up = guided_bounds(chain, grid, self.guidance, generator, progress=steps)[:, :, 0]  # (classes, H, W)
        generator.set_state(state)  # so that the unguided image differs by the guidance alone
        unguided = run_chain(chain, grid, 1, generator, progress=partial(bar, desc="unguided", unit="step"))[0]
        samples = None
        if self.samples:
            steps = partial(bar, desc="samples", unit="step")
            samples = run_chain(chain, grid, self.samples, generator, progress=steps)  # (K, H, W)
        # networks know images in units of their own 0.99 quantile
        reference = measured.reference
        full = None if reference is None else reference / quantile_scale(reference)
        images = Images(low, up, unguided, full, samples)
        first = self._seen(self.first, images)
        second = None if self.second is None else self._seen(self.second, images)
        seconds = clock(y.device) - start

        raw = Images(low * q, up * q, unguided * q, reference, None if samples is None else samples * q)
        figures = _figures(raw, y, measured)
        raw = raw.each(Tensor.cpu)
        return SliceBounds(measured.number, raw, first, second, figures, seconds, measured.maps_from)

    def _seen(self, network: Segmenter, images: Images) -> Images:
        """Return the classes that a network sees in images, numbered as the first network numbers them."""
        return images.each(partial(class_maps, network, names=self.first.classes)).each(Tensor.cpu)


def _figures(raw: Images, y: Tensor, measured: Measured) -> dict[str, dict[str, list[float]]]:
    """Return residual, PSNR and SSIM of the bounds and the unguided image, a number for each class."""
    shown = {"low": raw.low, "up": raw.up, "unguided": raw.unguided.expand_as(raw.low)}  # (classes, H, W) each
    residual = (measured.acquisition.model.forward(x) - y for x in shown.values())  # (classes, coil, H, W)
    figures = {"residual": [(r.flatten(1).norm(dim=1) / y.norm()).tolist() for r in residual]}
    reference = raw.reference
    if reference is not None:
        figures["psnr"] = [[psnr(x, reference) for x in each] for each in shown.values()]
        figures["ssim"] = [[ssim(x, reference) for x in each] for each in shown.values()]
    return {key: dict(zip(VARIANTS, values, strict=True)) for key, values in figures.items()}


def _check(strength: float, samples: int, voxel_mm: tuple[float, float, float] | None) -> None:
    """Refuse numbers that mean nothing. Raises UserError."""
    if not strength > 0:
        raise UserError(f"the strength of guidance must be above 0, not {strength:g}; the lesson uses {STRENGTH:g}")
    if samples < 0:
        raise UserError(f"the number of samples must be 0 or more, not {samples}")
    check_voxel(voxel_mm)
