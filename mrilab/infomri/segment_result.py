"""What `mrilab segment` finds: answers, their probability and volume, and whether a person should look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mrilab.data.nifti import Voxel, write_nifti
from mrilab.data.results import write_datasets
from mrilab.evaluation.segmentation import disagreement
from mrilab.machine import commit

# mean 1 - IoU between answers above which a person should look: of the validation scans it flags four in five with a
# Dice below 0.7 and one in thirteen of the others, the best trade in `infomri_tasks_look`
LOOK = 0.4
INTERVAL = (0.025, 0.975)  # of the volumes of the answers
SEEN = "the network has seen simulated masses in T2-weighted heads only, and no patient"


@dataclass(frozen=True)
class SliceAnswers:
    """One slice.

    samples: answers bool (K, H, W). image, deviation: (H, W), mean and standard deviation of the magnitude, in the
    units of the raw data. seconds: of the network. maps_from: a word on where the coil maps come from.
    """

    number: int
    samples: Tensor
    image: Tensor
    deviation: Tensor
    seconds: float
    maps_from: str

    @property
    def probability(self) -> Tensor:
        """Return the share of the answers that a pixel is in, (H, W)."""
        return self.samples.float().mean(0)


@dataclass(frozen=True)
class SegmentResult:
    """All slices of a scan, and under which conditions.

    voxel_mm: height, width and thickness of a voxel; None where nobody knows, and volumes are in pixels. The rest,
    also `affine`, is as in `mrilab.evaluation.result.Result`.
    """

    scan: str
    network: str
    slices: list[SliceAnswers]
    mask: Tensor
    sampling: dict[str, str]
    effective_acceleration: float
    seed: int
    voxel_mm: Voxel | None
    seconds_total: float
    peak_memory_mb: float
    device: str
    affine: np.ndarray | None = None

    @property
    def unit(self) -> str:
        """Return the unit of all volumes."""
        return "pixels" if self.voxel_mm is None else "ml"

    def volumes(self, slices: list[SliceAnswers]) -> dict[str, Any]:
        """Return the volume of an answer, mean and interval over the answers, and how far they disagree.

        disagreement: mean 1 - IoU over pairs of answers, the largest of the slices; two empty answers agree. empty:
        share of the answers without any pixel. look: whether a person should look.
        """
        voxel = 1.0 if self.voxel_mm is None else float(np.prod(self.voxel_mm)) / 1_000  # ml
        each = voxel * sum(part.samples.sum((-2, -1)).double() for part in slices)  # (K)
        assert isinstance(each, Tensor)
        low, high = torch.quantile(each, torch.tensor(INTERVAL, dtype=each.dtype)).tolist()
        apart = max(disagreement(part.samples) for part in slices)
        return {
            "volume": float(each.mean()),
            "interval": [low, high],
            "disagreement": apart,
            "empty": float((each == 0).double().mean()),
            "look": apart > LOOK,
        }

    def summary(self) -> dict[str, Any]:
        """Return what `mrilab segment --json` prints, without the names of the files."""
        return {
            "scan": self.scan,
            "shape": list(self.slices[0].image.shape),
            "network": self.network,
            "samples": len(self.slices[0].samples),
            "unit": self.unit,
            **self.volumes(self.slices),
            "voxel_mm": None if self.voxel_mm is None else list(self.voxel_mm),
            "effective_acceleration": self.effective_acceleration,
            **self.sampling,
            "seed": self.seed,
            "seconds": sum(each.seconds for each in self.slices),
            "seconds_total": self.seconds_total,
            "peak_memory_mb": self.peak_memory_mb,
            "device": self.device,
            "note": SEEN,
            "slices": [{"slice": each.number, **self.volumes([each])} for each in self.slices],
        }

    def write(self, path: str | Path) -> None:
        """Write probability, answers, reconstruction and deviation as HDF5, whole or not at all.

        Raises:
            UserError: a place that cannot be written.
        """
        stacked = {
            "probability": torch.stack([each.probability for each in self.slices]),
            "samples": torch.stack([each.samples for each in self.slices]),
            "reconstruction": torch.stack([each.image for each in self.slices]),
            "deviation": torch.stack([each.deviation for each in self.slices]),
            "mask": self.mask[0] if self.mask.shape[0] == 1 else self.mask,
        }
        facts = self.summary() | {"slice_numbers": [each.number for each in self.slices], "commit": commit()}
        write_datasets(path, stacked, facts | {"maps_from": self.slices[0].maps_from, "affine": self.affine})

    def write_probability(self, path: str | Path) -> None:
        """Write the probability as NIfTI, float32 (H, W, slices), whole or not at all.

        Raises:
            UserError: a place that cannot be written.
        """
        values = np.stack([each.probability.numpy() for each in self.slices], -1)
        description = f"mrilab segment, probability; {SEEN}"[:79]
        write_nifti(Path(path), values, self.voxel_mm, description, affine=self.affine)
