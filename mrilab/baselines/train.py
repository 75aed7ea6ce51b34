"""MoDL and E2E-VarNet on simulated acquisitions: supervised, for the SSIM with the fully sampled magnitude."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.data.shifts import SHIFTS, Shift
from mrilab.errors import UserError
from mrilab.physics.coils import mvue
from mrilab.physics.protocol import Acquisition
from mrilab.training.acquisitions import ACCELERATIONS, acquisitions
from mrilab.training.engine import Profile, Settings
from mrilab.training.feed import Batch, part_generator
from mrilab.training.losses import ssim
from mrilab.training.tasks import Trainable

NETWORKS = {"modl": MoDL, "varnet": VarNet}
# what the names end in; under shifts, MoDL alone is trained again
SCANS = {"t2": SHIFTS["none"], "heads": Shift("scans from elsewhere", dataset="heads-randomised-test")} | {
    name: shift for name, shift in SHIFTS.items() if name != "none"
}
NAMES = [f"{kind}-{scans}" for kind in NETWORKS for scans in SCANS if kind == "modl" or scans in ("t2", "heads")]
VALIDATION, SHOWN = 8, 4  # scans; those in the picture
SMOKE = {"batch": 2, "warmup": 5, "log_every": 5, "validate_every": 10}
FULL = {"batch": 16, "parts": 8, "warmup": 1_000, "ema": 0.9995, "validate_every": 2_000}
PROFILES = {
    "modl": {
        "smoke": Profile(48, 8, Settings(20, learning_rate=2e-3, **SMOKE)),  # random lines need this many
        "teach": Profile(128, 64, Settings(6_000, batch=2, learning_rate=5e-4)),
        "full": Profile(128, 64, Settings(50_000, learning_rate=5e-4, **FULL)),
    },
    "varnet": {
        "smoke": Profile(32, 2, Settings(20, learning_rate=4e-3, **SMOKE)),
        "teach": Profile(128, 8, Settings(9_000, batch=2, learning_rate=1e-3)),
        "full": Profile(128, 8, Settings(50_000, learning_rate=1e-3, **FULL)),
    },
}


def kind(name: str) -> str:
    """The key of a task in NETWORKS and PROFILES."""
    return name.split("-")[0]


def described(name: str) -> str:
    """What a task learns from, for its card."""
    scans = SCANS[name.split("-")[1]]
    noise = f", {scans.noise_factor:g} times its noise" if scans.noise_factor != 1 else ""
    sampling = f"{scans.mask} sampling" + ("" if scans.mask == "poisson" else f", {scans.direction}")
    made = f"scans made as those of {scans.dataset} are{noise}, but of the split train (heads: one averaged template)"
    return f"{made}; {sampling}"


DATA = {name: described(name) for name in NAMES}


class UnrolledTask:
    """A network of NETWORKS at one size on scans of SCANS: the network, its data and its loss, for `fit`.

    Raises:
        UserError: there is no task of this name.
    """

    def __init__(self, name: str, side: int, width: int, seed: int = 0):
        if name not in DATA:
            raise UserError(f"there is nothing to train by the name {name!r}; choose one of {', '.join(DATA)}")
        self.scans = SCANS[name.split("-")[1]]
        self.recipe = self.scans.training_recipe(side)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = NETWORKS[kind(name)](width)
        self.config = {"name": name, "side": side, "accelerations": list(ACCELERATIONS)}
        self.config |= {"made_as": self.scans.dataset, "mask": self.scans.mask, "direction": self.scans.direction}
        self.config |= {"coils": self.recipe.n_coils[0], "noise_std": list(self.recipe.noise_std)}
        self.config |= {"network": self.network.config}
        self._fixed = self._scans(VALIDATION, part_generator(seed, 0, 0), "val")

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """`n` scans, the fields of an `Acquisition`."""
        return self._scans(n, generator, "train", device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """1 - SSIM of the magnitudes, whose data range is max |reference|."""
        scans = Acquisition(*batch)
        return 1 - ssim(network(scans).image, scans.reference).mean()

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """The loss over the fixed scans, and magnitudes: reference above zero-filled above reconstructed."""
        device = next(network.parameters()).device
        losses, columns = [], []
        for fields in zip(*self._fixed, strict=True):  # one by one: no more memory than in training
            scan = Acquisition(*(field[None].to(device) for field in fields))
            losses.append(self.loss(network, scan).item())
            if len(columns) < SHOWN:
                rows = [scan.reference, mvue(scan.kspace, scan.coil_maps), network(scan).image]
                columns.append(torch.cat(rows).abs().flatten(0, 1) / scan.reference.abs().max())  # (3 H, W)
        return sum(losses) / len(losses), torch.cat(columns, -1).clamp(0, 1)  # (3 H, SHOWN W)

    def _scans(self, n: int, generator: torch.Generator, split: str, device="cpu") -> Acquisition:
        recipe = replace(self.recipe, split=split)
        return acquisitions(n, recipe, generator, device, self.scans.mask, self.scans.direction)


TASKS = {name: Trainable(UnrolledTask, data, PROFILES[kind(name)]) for name, data in DATA.items()}
