"""What guided reconstruction leaves: both bounds of each class, their segmentations and volumes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.data.results import write_datasets
from mrilab.machine import commit

VARIANTS = ("low", "up", "unguided")  # images that every slice has


@dataclass(frozen=True)
class Images:
    """The images of a slice, or something of each of them, such as the classes of its pixels.

    low, up: (classes, H, W). unguided: (H, W), from the same start and noise. reference: (H, W), of the fully sampled
    data; None where the scan is undersampled. samples: (K, H, W), repeated reconstructions; None without.
    """

    low: Tensor
    up: Tensor
    unguided: Tensor
    reference: Tensor | None = None
    samples: Tensor | None = None

    def each(self, function: Callable[[Tensor], Tensor]) -> "Images":
        """Return what `function` makes of each of them."""
        made = {field.name: getattr(self, field.name) for field in fields(self)}
        made = {name: None if value is None else function(value) for name, value in made.items()}
        return replace(self, **made)

    def pixels(self, k: int, c: int) -> dict[str, Tensor]:
        """Count the pixels of class `c`, the k-th that was asked for, in maps of classes; samples (K,), others ()."""
        count = {"low": self.low[k], "up": self.up[k], "unguided": self.unguided}
        count |= {} if self.reference is None else {"reference": self.reference}
        count |= {} if self.samples is None else {"samples": self.samples}
        return {name: (classes == c).sum((-2, -1)) for name, classes in count.items()}


@dataclass(frozen=True)
class SliceBounds:
    """One slice.

    images: complex, on the scale of the raw data. first, second: uint8, the classes that the first and the second
    network see in them; `second` is None without one.
    figures: by name ("residual", "psnr", "ssim") and VARIANTS a number for each class; without a reference only the
    residual, ||A x - y|| / ||y||.
    seconds: the chains and the segmentations, without coil maps and figures.
    """

    number: int
    images: Images
    first: Images
    second: Images | None
    figures: dict[str, dict[str, list[float]]]
    seconds: float
    maps_from: str


@dataclass(frozen=True)
class BoundsResult:
    """All slices of a scan, and under which conditions.

    classes: channel of each class by name, in the order of the images. names: all classes of the network; 0 is the
    background. voxel_mm: height, width and thickness of a voxel; None where nobody knows, and volumes are in pixels.
    settings: prior, networks, strength and so on. The rest, also `affine`, is as in
    `mrilab.evaluation.result.Result`.
    """

    scan: str
    classes: dict[str, int]
    names: tuple[str, ...]
    settings: dict[str, Any]
    slices: list[SliceBounds]
    mask: Tensor
    sampling: dict[str, str]
    nominal_acceleration: float | None
    effective_acceleration: float
    seed: int
    voxel_mm: tuple[float, float, float] | None
    seconds_total: float
    peak_memory_mb: float
    device: str
    affine: np.ndarray | None = None

    @property
    def unit(self) -> str:
        """Return the unit of all volumes."""
        return "pixels" if self.voxel_mm is None else "ml"

    @property
    def table(self) -> dict[int, str]:
        """Return the names of all classes by number."""
        return dict(enumerate(("background", *self.names)))

    def volumes(self, name: str, slices: Sequence[SliceBounds] | None = None) -> dict[str, Any]:
        """Return volumes and figures of a class, summed over these slices, or all; figures are means.

        gap: V_up - V_low. ratio: gap / V_up, None where V_up is 0. reference: the same network's volume in the fully
        sampled image. repeated: lowest and highest volume of the samples, of one sample for all slices;
        repeated_per_slice: each slice has a sample of its own. second: what the second network sees.
        """
        slices = self.slices if slices is None else slices
        k, c = list(self.classes).index(name), self.classes[name]
        others = [each.second for each in slices if each.second is not None]
        figures = {
            key: {v: fmean(each.figures[key][v][k] for each in slices) for v in VARIANTS} for key in slices[0].figures
        }
        second = self._seen(others, k, c) if others else None
        first = self._seen([each.first for each in slices], k, c)
        return {"class": name, **first, "second": second, "psnr": None, "ssim": None, **figures}

    def summary(self) -> dict[str, Any]:
        """Return what `mrilab bounds --json` prints, without the names of the files."""
        rows = [
            self.volumes(name)
            | {"slices": [{"slice": each.number, **self.volumes(name, [each])} for each in self.slices]}
            for name in self.classes
        ]
        return {
            "classes": rows,
            "unit": self.unit,
            "voxel_mm": None if self.voxel_mm is None else list(self.voxel_mm),
            **self.settings,
            "nominal_acceleration": self.nominal_acceleration,
            "effective_acceleration": self.effective_acceleration,
            "maps_from": ", ".join(dict.fromkeys(each.maps_from for each in self.slices)),
            "seconds": sum(each.seconds for each in self.slices),
            "seconds_total": self.seconds_total,
            "peak_memory_mb": self.peak_memory_mb,
            "device": self.device,
            "scan": self.scan,
            "shape": list(self.slices[0].images.unguided.shape),
            "seed": self.seed,
            **self.sampling,
        }

    def write(self, path: str | Path) -> None:
        """Write an HDF5 file, whole or not at all.

        Datasets, images complex64 on the scale of the raw data and class maps uint8:
            low, up                              (classes, slices, H, W)
            unguided, reference                  (slices, H, W)
            samples                              (slices, K, H, W)
            segmentation_low, ..., second_low, ...   the classes that each network sees, of the same shapes
            mask                                 (W,), (H, 1) or (H, W)
        Among the attributes, `classes` names the classes along the first axis, `labels` all classes by number, and
        `volumes` holds what `volumes` returns for each class, as JSON. What a result lacks is left out.

        Raises:
            UserError: a place that cannot be written.
        """
        datasets: dict[str, Tensor | None] = {"mask": self.mask[0] if self.mask.shape[0] == 1 else self.mask}
        for prefix, field in (("", "images"), ("segmentation_", "first"), ("second_", "second")):
            parts = [getattr(each, field) for each in self.slices]
            datasets |= {} if parts[0] is None else {f"{prefix}{key}": value for key, value in stacked(parts).items()}
        attrs = self.summary()
        attrs |= {"mask_kind": attrs.pop("mask"), "slices": [each.number for each in self.slices], "commit": commit()}
        attrs |= {"classes": list(self.classes), "labels": self.table}
        attrs["volumes"] = [self.volumes(name) for name in self.classes]
        write_datasets(path, datasets, attrs)

    def _seen(self, maps: Sequence[Images], k: int, c: int) -> dict[str, Any]:
        """Return the volumes of class `c`, the k-th, in maps of classes, summed over slices."""
        counts = [each.pixels(k, c) for each in maps]
        voxel = 1 if self.voxel_mm is None else math.prod(self.voxel_mm) / 1000  # ml
        total = {key: torch.stack([count[key] for count in counts]) for key in counts[0]}  # (slices,), (slices, K)
        samples = total.pop("samples", None)
        seen: dict[str, Any] = {key: voxel * int(each.sum()) for key, each in total.items()}
        seen.setdefault("reference", None)
        seen["gap"] = seen["up"] - seen["low"]
        seen["ratio"] = seen["gap"] / seen["up"] if seen["up"] else None
        if samples is None:
            return seen | {"repeated": None, "repeated_per_slice": None}
        together, apart = samples.sum(0).aminmax(), samples.aminmax(dim=1)
        for key, ends in (("repeated", together), ("repeated_per_slice", apart)):
            seen[key] = {"low": voxel * int(ends.min.sum()), "up": voxel * int(ends.max.sum())}
        return seen


def stacked(parts: Sequence[Images]) -> dict[str, Tensor | None]:
    """Return the images of all slices by name: slices come first, or second behind the classes."""
    one: dict[str, Tensor | None] = {}
    for field in fields(Images):
        values = [getattr(part, field.name) for part in parts]
        behind = field.name in ("low", "up")
        one[field.name] = None if values[0] is None else torch.stack(values, 1 if behind else 0)
    return one
