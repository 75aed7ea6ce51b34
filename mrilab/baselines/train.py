"""MoDL and E2E-VarNet on simulated acquisitions: supervised, for the SSIM with the fully sampled magnitude."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.data.shifts import SHIFTS, Shift
from mrilab.training.acquisitions import ACCELERATIONS, acquisitions
from mrilab.training.engine import Profile, Settings
from mrilab.training.feed import Batch
from mrilab.training.losses import final
from mrilab.training.supervised import Supervised, batch_of

SMOKE = Settings(20, batch=2, warmup=5, log_every=5, validate_every=10)
FULL = Settings(50_000, batch=16, parts=8, warmup=1_000, ema=0.9995, validate_every=2_000)
MODL_PROFILES = {
    "smoke": Profile(48, 8, replace(SMOKE, learning_rate=2e-3)),  # random lines need this many pixels
    "teach": Profile(128, 64, Settings(6_000, batch=2, learning_rate=5e-4)),
    "full": Profile(128, 64, replace(FULL, learning_rate=5e-4)),
}
VARNET_PROFILES = {
    "smoke": Profile(32, 2, replace(SMOKE, learning_rate=4e-3)),
    "teach": Profile(128, 8, Settings(9_000, batch=2, learning_rate=1e-3)),
    "full": Profile(128, 8, replace(FULL, learning_rate=1e-3)),
}


@dataclass(frozen=True)
class Unrolled:
    """A network by its width, the scans that it learns from, and its profiles: a `Trainable`."""

    name: str
    network: Callable[[int], nn.Module]
    scans: Shift
    profiles: Mapping[str, Profile]

    @property
    def data(self) -> str:
        """Say what the network learns from, for its card."""
        scans = self.scans
        noise = f", {scans.noise_factor:g} times its noise" if scans.noise_factor != 1 else ""
        sampling = f"{scans.mask} sampling" + ("" if scans.mask == "poisson" else f", {scans.direction}")
        template = "but of the split train (heads: one averaged template)"
        return f"scans made as those of {scans.dataset} are{noise}, {template}; {sampling}"

    def build(self, side: int, width: int, seed: int = 0) -> UnrolledTask:
        """Make the task for images of `side` and a network of `width`."""
        return UnrolledTask(self, side, width, seed)


class UnrolledTask(Supervised):
    """One of TASKS at one size. The loss is 1 - SSIM of the magnitudes, whose data range is max |reference|."""

    def __init__(self, trainable: Unrolled, side: int, width: int, seed: int):
        self.scans = scans = trainable.scans
        self.recipe = scans.training_recipe(side)
        super().__init__(lambda: trainable.network(width), seed)
        self.config = {"name": trainable.name, "side": side, "accelerations": list(ACCELERATIONS)}
        self.config |= {"made_as": scans.dataset, "mask": scans.mask, "direction": scans.direction}
        self.config |= {"coils": self.recipe.n_coils[0], "noise_std": list(self.recipe.noise_std)}
        self.config |= {"network": self.network.config}

    def examples(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Batch:
        recipe = replace(self.recipe, split=split)
        return batch_of(acquisitions(n, recipe, generator, device, self.scans.mask, self.scans.direction))

    def validation_loss(self, states: Tensor, clean: Tensor) -> Tensor:
        return final(states, clean)


SCANS = {"t2": SHIFTS["none"], "heads": Shift("scans from elsewhere", dataset="heads-randomised-test")}
RETRAINED = {name: shift for name, shift in SHIFTS.items() if name != "none"}  # for these MoDL alone is trained again
TASKS = {
    task.name: task
    for task in (
        *(Unrolled(f"modl-{name}", MoDL, scans, MODL_PROFILES) for name, scans in (SCANS | RETRAINED).items()),
        *(Unrolled(f"varnet-{name}", VarNet, scans, VARNET_PROFILES) for name, scans in SCANS.items()),
    )
}
