"""What lesson 4 trains: a diffusion prior by epsilon matching, a prior of knees, segmentation networks."""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mrilab.csgm.denoiser import Weight
from mrilab.csgm.train import CLINICAL, PROFILES, ScoreTask
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.diffusion import alpha_bar, last_step, sigma_of
from mrilab.sgr.knees import condyle_knees
from mrilab.sgr.segment_data import HEADS, MANY_HEADS, HeadSource, Kinds, KneeSource
from mrilab.sgr.segment_task import SegmentTask
from mrilab.training.own import OwnFolders
from mrilab.training.settings import Profile, Settings
from mrilab.training.tasks import Trainable

KNEE = "condyle slices of mrilab.data.knee_pool, split train"
# 16 channels: a checkpoint of 32 has 7 MB, and clones have to stay small
KNEE_PROFILES = PROFILES | {
    "teach": replace(PROFILES["teach"], side=192, width=16),
    "full": replace(PROFILES["full"], side=192),
}


class DiffusionTask(ScoreTask):
    """A score network that is trained by epsilon matching (3): t is uniform, and the weight is 1 / sigma^2."""

    weight: Weight = "epsilon"

    def _levels(self) -> dict[str, Any]:
        """Return what a card says of the noise levels in training, and how the loss weighs them."""
        levels = {"sigma_min": float(sigma_of(alpha_bar()[0])), "last_step": last_step(self.sigma_max)}
        return levels | {"weight": self.weight}

    def _sigma(self, u: Tensor) -> Tensor:
        """Return the noise of the step t at the quantile `u`, with t uniform up to the largest noise of the data."""
        t = (u * (last_step(self.sigma_max) + 1)).long()
        return sigma_of(alpha_bar())[t].to(u)


class KneeTask(ScoreTask):
    """A score network of knees through a condyle. They come from a pool, because drawing takes longer than a step."""

    def __init__(self, name: str, side: int, width: int, seed: int = 0, own: OwnFolders | None = None):
        self.pools: dict[str, Tensor] = {}
        super().__init__(name, "knee", None, side, width, seed, own)

    def _slices(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Tensor:
        if self.own is not None:
            return super()._slices(n, generator, split, device)
        if split not in self.pools:
            images, _ = condyle_knees(split, self.shape[0], seed=0)  # (knees, H, W)
            self.pools[split] = images / quantile_scale(images)
        chosen = torch.randint(len(self.pools[split]), (n,), generator=generator)
        mirrored = torch.rand(n, 1, 1, generator=generator) < 0.5
        turns = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator)  # a phase, which no image has by itself
        images = self.pools[split][chosen]
        return (torch.where(mirrored, images.flip(-2), images) * torch.polar(torch.ones_like(turns), turns)).to(device)


def _heads(
    name: str, kinds: Kinds, heads: int, architecture: str, levels: int, side: int, width: int, seed: int = 0
) -> SegmentTask:
    return SegmentTask(name, HeadSource(kinds, heads, side, seed), side, architecture, width, levels, seed)


def _knees(name: str, architecture: str, levels: int, side: int, width: int, seed: int = 0) -> SegmentTask:
    return SegmentTask(name, KneeSource(side, seed), side, architecture, width, levels, seed)


def _profiles(side: int, width: int, batch: int) -> dict[str, Profile]:
    """Return the sizes of a segmentation network."""
    return {
        "smoke": Profile(32, 8, Settings(20, batch=4, warmup=5, log_every=5, validate_every=10)),
        "teach": Profile(side, width, Settings(8_000, batch=batch, learning_rate=2e-3)),
        "full": Profile(side, 16, Settings(30_000, batch=32, parts=8, learning_rate=2e-3)),
    }


LESIONED = "clinical T2-weighted axial heads of mrilab.data.labelled_slices, split train (one averaged template)"
ANY = (
    "heads of mrilab.data.labelled_slices, split train (one averaged template), half of them randomised, half clinical"
)
T2: Kinds = [("clinical", "t2")]
# Many randomised heads are nearly without contrast, and nobody could tell their tissues apart. Real ones have some.
ANYWHERE: Kinds = [("randomised", None), ("clinical", None)]
UNET, RESNET = ("unet", 4), ("segresnet", 4)  # architecture and levels
TASKS = {
    "score-knee": Trainable(partial(KneeTask, "score-knee"), KNEE, KNEE_PROFILES, "scans"),
    "diffusion-t2": Trainable(partial(DiffusionTask, "diffusion-t2", "clinical", "t2"), CLINICAL, PROFILES, "scans"),
    "segment-t2": Trainable(partial(_heads, "segment-t2", T2, HEADS, *UNET), LESIONED, _profiles(128, 12, 8)),
    "segment-t2-second": Trainable(
        partial(_heads, "segment-t2-second", T2, HEADS, *RESNET), LESIONED, _profiles(128, 8, 8)
    ),
    "segment-heads": Trainable(
        partial(_heads, "segment-heads", ANYWHERE, MANY_HEADS, *RESNET), ANY, _profiles(128, 8, 8)
    ),
    "segment-knee": Trainable(partial(_knees, "segment-knee", *UNET), KNEE, _profiles(192, 12, 4)),
    "segment-knee-second": Trainable(
        partial(_knees, "segment-knee-second", "segresnet", 3), KNEE, _profiles(192, 8, 4)
    ),
}
