"""What the experiments measure of one scan at one acceleration: guided bounds, repeated reconstruction, controls."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mrilab.anatomy.knee import STRUCTURES
from mrilab.anatomy.lesions import LABELS
from mrilab.csgm.prior import ScorePrior
from mrilab.evaluation.experiments import scan_of, simulation_of
from mrilab.evaluation.metrics import psnr, ssim
from mrilab.sgr.attack import attack, null_space
from mrilab.sgr.bounds import repeated
from mrilab.sgr.classes import load_segmenter
from mrilab.sgr.controls import controls
from mrilab.sgr.guidance import RANGE, STRENGTH, THROUGH, Guidance
from mrilab.sgr.measures import measure, residual_over_noise
from mrilab.sgr.moved import VIEW, Segment, View, seen
from mrilab.sgr.sampling import Sampling
from mrilab.sgr.segmentation import Segmenter
from mrilab.sgr.trial import Trial, trial
from mrilab.sgr.volume import indicator

DEFAULT: dict[str, Any] = {"b": STRENGTH, "range": RANGE, "through": THROUGH}
RR = 16  # number of samples of repeated reconstruction, as in the paper
QUALITY = ("precision", "recall", "precision_true", "recall_true")
KINDS = ("sgr", "rr", "rr_slab", "distance", "one_sample", "mean", "all_samples")
SECOND = ("second_low", "second_up", "second_full", "second_precision", "second_recall")
ATTACKS = tuple(f"{kind}_{seen}_{bound}" for kind in ("attack", "null") for seen in ("first", "second")
                for bound in ("low", "up"))  # fmt: skip
IMAGES = ("psnr", "ssim", "residual")
UNATTACKED = (
    "true", "full", "one_sample_volume",
    *(f"{kind}_{value}" for kind in KINDS for value in ("low", "up", *QUALITY)),
    *SECOND, *(f"{kind}_{value}" for kind in ("sgr", "rr") for value in IMAGES),
)  # fmt: skip
MEASURED = (*UNATTACKED, *ATTACKS)


@dataclass(frozen=True)
class Networks:
    """The networks of an anatomy by name: prior, the segmentation that guides, and a second one that only looks."""

    prior: ScorePrior
    first: Segmenter
    second: Segmenter

    @classmethod
    def load(cls, prior: str, first: str) -> "Networks":
        """Load them on the CPU; the second segmentation is called after the first. Raises UserError."""
        cpu = torch.device("cpu")
        return cls(ScorePrior(prior), load_segmenter(first, cpu), load_segmenter(f"{first}-second", cpu))


def segmented(network: Segment, images: Tensor) -> Tensor:
    """Return the logits of images (..., H, W), (..., 1 + classes, H, W), without gradients."""
    with torch.no_grad():
        return network(images.flatten(0, -3)).unflatten(0, images.shape[:-2])


class Study:
    """One embedded scan, or the given `slices` of it, at one acceleration. Volumes are in pixels.

    Samples are drawn when they are first needed.
    """

    def __init__(
        self,
        scan: str,
        acceleration: float,
        networks: Networks,
        sampling: Sampling,
        slices: tuple[int, ...] | None = None,
    ):
        self.networks, self.name = networks, scan
        self.seed = int(scan.rpartition("-")[2])
        simulated = simulation_of(scan)
        height, width = simulated.labels.shape[-2:]
        labels, whole = simulated.labels.reshape(-1, height, width), scan_of(scan)  # (slices, H, W)
        chosen = list(range(len(labels)) if slices is None else slices)
        self.labels = labels[chosen]
        part = replace(whole, kspace=whole.kspace[chosen], slices=tuple(chosen))
        self.trial: Trial = trial(part, acceleration, networks.prior, sampling, self.seed)
        names = STRUCTURES if simulated.attrs["anatomy"] in ("knee", "condyle") else LABELS
        self.names = [each.replace("_", " ") for each in names]
        self.noise_std = float(simulated.attrs["noise_std"])

    @cached_property
    def rr(self) -> Tensor:
        """Unguided samples, (RR, slices, H, W) in units of q."""
        return self.trial.samples(RR)

    @cached_property
    def base(self) -> Tensor:
        """The image of the bounds' start and noise without guidance, (slices, H, W) in units of q."""
        return self.trial.unguided()

    @cached_property
    def rr_logits(self) -> Tensor:
        """What the first network makes of them, (RR, slices, 1 + classes, H, W)."""
        return segmented(self.networks.first, self.rr)

    def true(self, name: str) -> Tensor:
        """Return where the class truly is, bool (slices, H, W)."""
        return self.labels == self.names.index(name)

    def number(self, name: str) -> int:
        """Return the channel of a class in both networks' logits."""
        return 1 + self.networks.first.classes.index(name)

    def guidance(self, c: int, view: View = VIEW, **settings: Any) -> Guidance:
        """Return the guidance of one class; `settings` of `Guidance` replace the lesson's."""
        drawn = torch.Generator().manual_seed(self.seed)
        return Guidance(seen(self.networks.first, view, drawn), [c], **(DEFAULT | settings))

    def row(self, name: str, *, attacks: bool = True, **settings: Any) -> dict[str, float]:
        """Return the values of MEASURED for one class, without `attacks` those of UNATTACKED.

        `settings` are those of `guidance`.
        """
        c, first = self.number(name), self.networks.first
        low, up = self.trial.bounds(self.guidance(c, **settings))[:, 0]  # (slices, H, W) each
        full = indicator(segmented(first, self.trial.full), c)
        s_low, s_up = (indicator(segmented(first, image), c) for image in (low, up))
        chosen = {"sgr": (s_low, s_up), "rr": self.picked(c, "slice"), "rr_slab": self.picked(c, "slab")}
        chosen |= {kind.replace(" ", "_"): pair for kind, pair in controls(self.rr_logits, c, s_low, s_up).items()}
        values = {"true": float(self.true(name).sum()), "full": float(full.sum())}
        values["one_sample_volume"] = float(indicator(self.rr_logits[0], c).sum())
        for kind, pair in chosen.items():
            values |= {f"{kind}_low": float(pair[0].sum()), f"{kind}_up": float(pair[1].sum())}
            for reference, end in ((full, ""), (self.true(name), "_true")):
                found = measure(*pair, reference)
                values |= {f"{kind}_{value}{end}": found[value] for value in ("precision", "recall")}
        values |= self.looked(low, up, c)
        if attacks:
            values |= self.attacked(low, up, c)
        return values | self.quality("sgr", torch.stack([low, up])) | self.rr_quality

    def picked(self, c: int, per: str) -> tuple[Tensor, Tensor]:
        """Return the segmentations of least and largest volume among RR's samples, bool (slices, H, W) each."""
        chosen = repeated(self.rr, self.networks.first, [c], per)[:, 0]  # (2, slices)
        slices = range(chosen.shape[1])
        low, up = (torch.stack([indicator(self.rr_logits[k, [s]], c)[0] for k, s in zip(row, slices, strict=True)])
                   for row in chosen.tolist())  # fmt: skip
        return low, up

    def looked(self, low: Tensor, up: Tensor, c: int) -> dict[str, float]:
        """Return the values of SECOND: what the second network makes of the bounds' images (slices, H, W)."""
        second = self.networks.second
        s_low, s_up, full = (indicator(segmented(second, x), c) for x in (low, up, self.trial.full))
        found = measure(s_low, s_up, full)
        volumes = [float(s.sum()) for s in (s_low, s_up, full)]
        return dict(zip(SECOND, (*volumes, found["precision"], found["recall"]), strict=True))

    def attacked(self, low: Tensor, up: Tensor, c: int) -> dict[str, float]:
        """Return the values of ATTACKS: volumes after gradient attacks on the image that guidance started from.

        Each attack is as large as the change that guidance made. "null" keeps to what the data do not determine.
        """
        base, model = self.base, self.trial.model
        values = {}
        for kind, project in (("attack", None), ("null", lambda v: null_space(model, v))):
            for bound, image in (("low", low), ("up", up)):
                norm = torch.linalg.vector_norm(image - base, dim=(-2, -1))  # (slices)
                changed = base + attack(base, self.networks.first, c, bound == "up", norm, project)
                for which, network in (("first", self.networks.first), ("second", self.networks.second)):
                    values[f"{kind}_{which}_{bound}"] = float(indicator(segmented(network, changed), c).sum())
        return values

    @cached_property
    def rr_quality(self) -> dict[str, float]:
        """The values of IMAGES of RR's single samples."""
        return self.quality("rr", self.rr)

    def quality(self, kind: str, images: Tensor) -> dict[str, float]:
        """Return PSNR, SSIM and residual over noise, means over images (K, slices, H, W)."""
        reference = self.trial.reference
        pairs = [(image, reference[s]) for stack in images for s, image in enumerate(stack)]
        noise = self.noise_std / self.trial.q[:, 0, 0]  # (slices) in units of q
        residual = torch.stack([residual_over_noise(x, self.trial.y, self.trial.model, 1.0) for x in images])
        found = (
            sum(psnr(*pair) for pair in pairs) / len(pairs),
            sum(ssim(*pair) for pair in pairs) / len(pairs),
            float((residual / noise).mean()),
        )
        return {f"{kind}_{value}": each for value, each in zip(IMAGES, found, strict=True)}
