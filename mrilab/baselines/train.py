"""MoDL and E2E-VarNet on simulated acquisitions: supervised, for the SSIM with the fully sampled magnitude."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.data.shifts import SHIFTS, Shift
from mrilab.physics.sampling import POINTS
from mrilab.training.acquisitions import ACCELERATIONS, acquisitions, mask_drawer
from mrilab.training.elsewhere.acquisitions import SEEN, acquisitions_from_elsewhere
from mrilab.training.elsewhere.sampling import draw_sampling
from mrilab.training.feed import Batch
from mrilab.training.losses import final
from mrilab.training.own import Kind, OwnFolders, Sampling
from mrilab.training.settings import Profile, Settings
from mrilab.training.supervised import Supervised, batch_of
from mrilab.training.tasks import Trainable

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


class UnrolledTask(Supervised):
    """A network for scans of one kind. The loss is 1 - SSIM of the magnitudes, whose data range is max |reference|."""

    def __init__(
        self,
        name: str,
        network: Callable[[int], nn.Module],
        scans: Shift,
        side: int,
        width: int,
        seed: int = 0,
        own: OwnFolders | None = None,
    ):
        self.scans, self.side, self.recipe = scans, side, scans.training_recipe(side)
        self.own = None if own is None else own.pool(side, pool_kind(scans))
        super().__init__(lambda: network(width), seed)
        self.config = {"name": name, "side": side}
        if self.own is not None:
            self.config |= {"own": self.own.facts} | described_sampling(scans, ACCELERATIONS)
        elif scans is ANY:
            self.config |= SEEN
        else:
            self.config |= {"accelerations": list(ACCELERATIONS)}
            self.config |= {"made_as": scans.dataset, "mask": scans.mask, "direction": scans.direction}
            self.config |= {"coils": self.recipe.n_coils[0], "noise_std": list(self.recipe.noise_std)}
        self.config |= {"network": self.network.config}

    def examples(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Batch:
        if self.own is not None:
            sampling = sampling_of(self.scans, ACCELERATIONS)
            return batch_of(self.own.acquisitions(n, sampling, generator, split, device))
        if self.scans is ANY:
            return batch_of(acquisitions_from_elsewhere(n, self.side, generator, split, device))
        recipe = replace(self.recipe, split=split)
        return batch_of(acquisitions(n, recipe, generator, device, self.scans.mask, self.scans.direction))

    def validation_loss(self, states: Tensor, clean: Tensor) -> Tensor:
        return final(states, clean)


def pool_kind(scans: Shift) -> Kind:
    """Return what the examples of own scans are: see `mrilab.training.own`."""
    columns = scans is not ANY and scans.direction == "vertical" and scans.mask not in ("poisson", *POINTS)
    return "lines" if columns else "planes"


def sampling_of(scans: Shift, accelerations: tuple[int, ...]) -> Sampling:
    """Return what draws the masks of a kind of scans."""
    return draw_sampling if scans is ANY else mask_drawer(scans.mask, scans.direction, accelerations)


def described_sampling(scans: Shift, accelerations: tuple[int, ...]) -> dict[str, Any]:
    """Return what a card says of the masks of a kind of scans, where the scans themselves are the user's."""
    if scans is ANY:
        return {key: SEEN[key] for key in ("sampling", "directions", "acceleration", "calibration_lines")}
    return {"accelerations": list(accelerations), "mask": scans.mask, "direction": scans.direction}


def _described(scans: Shift) -> str:
    if scans is ANY:
        return f"{scans.title}, of the split train (heads: one averaged template)"
    noise = f", {scans.noise_factor:g} times its noise" if scans.noise_factor != 1 else ""
    sampling = f"{scans.mask} sampling" + ("" if scans.mask == "poisson" else f", {scans.direction}")
    template = "but of the split train (heads: one averaged template)"
    return f"scans made as those of {scans.dataset} are{noise}, {template}; {sampling}"


ANY = Shift("folded heads and dead leaves with any Cartesian sampling", mask="any")
SCANS = {"t2": SHIFTS["none"], "heads": Shift("scans from elsewhere", dataset="heads-randomised-test"), "any": ANY}
RETRAINED = {name: shift for name, shift in SHIFTS.items() if name != "none"}  # for these MoDL alone is trained again
KINDS = (("modl", MoDL, SCANS | RETRAINED, MODL_PROFILES), ("varnet", VarNet, SCANS, VARNET_PROFILES))
TASKS = {
    f"{kind}-{key}": Trainable(
        partial(UnrolledTask, f"{kind}-{key}", network, scans), _described(scans), profiles, "scans"
    )
    for kind, network, sources, profiles in KINDS
    for key, scans in sources.items()
}
