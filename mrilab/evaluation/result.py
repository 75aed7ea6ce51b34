"""What a reconstruction leaves: images, conditions and figures of merit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.data.nifti import Voxel
from mrilab.data.results import write_reconstruction
from mrilab.evaluation.metrics import nmse, nrmse, psnr, psnr_volume, ssim, ssim_volume
from mrilab.evaluation.safety import Safety
from mrilab.machine import commit

METRICS = {"psnr": psnr, "ssim": ssim, "nrmse": nrmse, "nmse": nmse}
VOLUME_METRICS = {"psnr_volume": psnr_volume, "ssim_volume": ssim_volume}
METRIC_NAMES = (*METRICS, *(f"{name}_masked" for name in METRICS), *VOLUME_METRICS)


def figures_of_merit(image: Tensor, reference: Tensor) -> dict[str, float]:
    """Measure an image (H, W) by each of METRICS over all pixels, and `_masked` over the object."""
    kinds = [(name, metric, suffix) for name, metric in METRICS.items() for suffix in ("", "_masked")]
    return {name + suffix: metric(image, reference, masked=bool(suffix)) for name, metric, suffix in kinds}


@dataclass(frozen=True)
class SliceResult:
    """One slice, on the scale of the raw data.

    image: (H, W) complex. zero_filled: (H, W) complex, A^H y with the same maps.
    reference: (H, W) complex MVUE of the fully sampled data with maps from all of them; None if undersampled.
    uncertainty: (H, W) standard deviation of the magnitude. samples: (K, H, W) complex. None for most methods.
    metrics: those of `figures_of_merit`; PSNR in dB; empty without a reference.
    seconds: the method alone, without coil maps and metrics. maps_from: a word on where the coil maps come from.
    safety: how the image of a trained method compares with untrained ones, where that was asked for.
    """

    number: int
    image: Tensor
    zero_filled: Tensor
    reference: Tensor | None
    uncertainty: Tensor | None
    samples: Tensor | None
    metrics: dict[str, float]
    seconds: float
    maps_from: str
    safety: Safety | None = None


@dataclass(frozen=True)
class Result:
    """All slices of a scan reconstructed with one method, and under which conditions.

    mask: bool (1, W), (H, 1) or (H, W). nominal_acceleration: None where nobody asked for one.
    seconds: of the method, all slices; seconds_total: with reading, coil maps and metrics.
    receivers: what was done with the coils: `whitened` by what, and the number of virtual `coils` with their share of
        the energy.
    peak_memory_mb: of this process so far on a CPU, of torch during this call on a GPU (MiB).
    voxel_mm: height, width and thickness of a voxel. affine: (4, 4), from voxels to the patient, as
    `mrilab.data.orientation` has it. None where the scan does not say.
    asked: what was asked for, see `mrilab.evaluation.asked`.
    unlike_training: what of the scan the network's training had not, in words; None for methods without training.
    """

    scan: str
    method: str
    options: dict[str, Any]
    slices: list[SliceResult]
    mask: Tensor
    sampling: dict[str, str]
    nominal_acceleration: float | None
    effective_acceleration: float
    seed: int
    seconds_total: float
    peak_memory_mb: float
    device: str
    noise_std: float | None = None
    receivers: dict[str, Any] = field(default_factory=dict)
    voxel_mm: Voxel | None = None
    affine: np.ndarray | None = None
    asked: dict[str, Any] | None = None
    unlike_training: list[str] | None = None

    @property
    def maps_from(self) -> str:
        """Return where the coil maps of the slices come from."""
        return ", ".join(dict.fromkeys(each.maps_from for each in self.slices))

    @cached_property
    def metrics(self) -> dict[str, float | None]:
        """Return the means over the slices, and VOLUME_METRICS of all slices at once; None without a reference."""
        references = self.stack("reference")
        if references is None:
            return dict.fromkeys(METRIC_NAMES)
        images = torch.stack([each.image for each in self.slices])
        names = [name for name in METRIC_NAMES if name not in VOLUME_METRICS]
        means: dict[str, float | None]
        means = {name: sum(each.metrics[name] for each in self.slices) / len(self.slices) for name in names}
        return means | {name: metric(images, references) for name, metric in VOLUME_METRICS.items()}

    @property
    def seconds(self) -> float:
        """Return the seconds of the method, all slices together."""
        return sum(each.seconds for each in self.slices)

    def stack(self, name: str) -> Tensor | None:
        """Return a tensor of all slices by its name in `SliceResult`, (slices, ...); None where a slice has none."""
        parts = [getattr(each, name) for each in self.slices]
        return None if any(part is None for part in parts) else torch.stack(parts)

    def summary(self) -> dict[str, Any]:
        """Return what `mrilab recon --json` prints, without the names of the files."""
        return {
            "method": self.method,
            "nominal_acceleration": self.nominal_acceleration,
            "effective_acceleration": self.effective_acceleration,
            "maps_from": self.maps_from,
            **self.metrics,
            "seconds": self.seconds,
            "seconds_total": self.seconds_total,
            "peak_memory_mb": self.peak_memory_mb,
            "device": self.device,
            "scan": self.scan,
            "shape": list(self.slices[0].image.shape),
            "options": self.options,
            "seed": self.seed,
            **self.sampling,
            **self.receivers,
            **self._doubts(),
            "slices": [{"slice": each.number, "seconds": each.seconds, **each.metrics} for each in self.slices],
        }

    @property
    def flagged(self) -> list[int]:
        """Return the numbers of the slices that the safety net caught."""
        return [each.number for each in self.slices if each.safety is not None and each.safety.flagged]

    def _doubts(self) -> dict[str, Any]:
        """Return what speaks against the images: what training had not, and what the safety net says of each slice."""
        doubts: dict[str, Any] = {} if self.unlike_training is None else {"unlike_training": self.unlike_training}
        if any(each.safety for each in self.slices):
            doubts |= {"flagged": self.flagged}
            doubts |= {"safety": [each.safety.summary() for each in self.slices if each.safety is not None]}
        return doubts

    def write(self, path: str | Path, notes: Sequence[str] = ()) -> None:
        """Write images and provenance with `write_reconstruction`; `notes` are what was said on the way."""
        attrs = self.summary()
        attrs["slices"] = [each.number for each in self.slices]
        attrs["mask_kind"] = attrs.pop("mask")
        write_reconstruction(
            path,
            torch.stack([each.image for each in self.slices]),
            mask=self.mask,
            uncertainty=self.stack("uncertainty"),
            samples=self.stack("samples"),
            attrs={
                **attrs,
                "noise_std": self.noise_std,
                "voxel_mm": self.voxel_mm,
                "affine": self.affine,
                "asked": self.asked,
                "notes": list(notes) or None,
                "commit": commit(),
            },
        )
