"""FLAT and its controls, and ISTA-Net+: one factor at a time, all with the same data and the same final loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from mrilab.baselines import train as baselines
from mrilab.baselines.istanet import ISTANet
from mrilab.data.shifts import Shift
from mrilab.data.slices import brain_slices
from mrilab.flat.flow import time_grid
from mrilab.flat.losses import LOSSES, W_ALIGN, logarithmic
from mrilab.flat.network import FLAT
from mrilab.nets.trajectory import Trajectory
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition
from mrilab.physics.sampling import make_mask
from mrilab.physics.scale import quantile_scale
from mrilab.training.acquisitions import acquisitions
from mrilab.training.elsewhere.acquisitions import SEEN, acquisitions_from_elsewhere
from mrilab.training.feed import Batch
from mrilab.training.losses import composite
from mrilab.training.own import OwnFolders
from mrilab.training.settings import Profile, Settings
from mrilab.training.supervised import Supervised, acquisition, batch_of
from mrilab.training.tasks import Trainable

ACCELERATIONS = (4, 8)  # equally likely
W_ASYMMETRY = 0.01  # weight of the asymmetry in the loss, that of ISTA-Net+'s authors
NOISE_START = 0.2  # s of the sampler: about the spread of image values per real component
NOISE_STD = 0.01  # noise of the data sets, per real component
QUANTILE_LEFT = 0.7  # share of the image's 0.99 quantile that zero-filling leaves at R = 4
SINGLE_SIDE = 64  # pixels, side of the single-coil heads


@dataclass(frozen=True)
class Control:
    """One way to train: `loss` names an entry of LOSSES, and the rest describes the network."""

    title: str
    rule: str = "derived"
    loss: str = "aligned"
    shared: bool = False
    s: float = 0.0


CONTROLS = {
    "final": Control("free, final loss", "free", "final"),
    "free": Control("free, composite loss", "free", "composite"),
    "deep": Control("free, every state to the image", "free", "deep"),
    "aligned": Control("free, aligned", "free"),
    "aligned-v1": Control("free, aligned by velocities", "free", "aligned-v1"),
    "paper": Control("paper's rule, aligned", "paper"),
    "derived": Control("derived rule, aligned"),
    "shared": Control("derived rule, aligned, shared", shared=True),
    "sampler": Control("derived rule, shared, noise in the start", loss="matched", shared=True, s=NOISE_START),
}
SINGLE = Shift("single-coil T2 heads, 64 x 64, random lines", mask="random")
SCANS = {"single": SINGLE, **baselines.SCANS}
SMOKE = Settings(8, batch=2, learning_rate=2e-3, warmup=2, log_every=2, validate_every=4)
FULL = replace(baselines.FULL, learning_rate=1e-3)
SINGLE_PROFILES = {
    "smoke": Profile(32, 8, SMOKE),
    "teach": Profile(SINGLE_SIDE, 16, Settings(600, batch=8, parts=2, learning_rate=2e-3)),
    "full": Profile(SINGLE_SIDE, 16, Settings(20_000, batch=16, parts=2, learning_rate=2e-3)),
}


def _profiles(width: int, learning_rate: float) -> dict[str, Profile]:
    """Return the profiles for several coils."""
    teach = Settings(4_000, batch=2, learning_rate=learning_rate)
    return {"smoke": Profile(48, 8, SMOKE), "teach": Profile(128, width, teach), "full": Profile(128, width, FULL)}


class ControlledTask(Supervised):
    """A network that learns from `scans`. Validation takes the composite loss of the last state, whatever `loss` is."""

    def __init__(
        self,
        name: str,
        loss: str,
        scans: Shift,
        build: Callable[[], nn.Module],
        side: int,
        seed: int,
        own: OwnFolders | None = None,
    ):
        self.scans, self.side = scans, side
        self.own = None if own is None else own.pool(side, baselines.pool_kind(scans))
        super().__init__(build, seed)
        self.config = {"name": name, "side": side}
        if self.own is not None:
            self.config |= {"own": self.own.facts} | baselines.described_sampling(scans, ACCELERATIONS)
        elif scans is baselines.ANY:
            self.config |= SEEN
        else:
            self.config |= {"accelerations": list(ACCELERATIONS), "made_as": scans.dataset, "mask": scans.mask}
        shown = f"log {loss}" if scans is baselines.ANY else loss
        self.config |= {"loss": shown, "w_align": W_ALIGN, "network": self.network.config}

    def examples(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Batch:
        """Draw `n` acquisitions, and behind their fields unit noise (n, H, W) for the start."""
        if self.own is not None:
            sampling = baselines.sampling_of(self.scans, ACCELERATIONS)
            scans = self.own.acquisitions(n, sampling, generator, split, device)
        elif self.scans is SINGLE:
            scans = single_coil(n, self.side, generator, split, device)
        elif self.scans is baselines.ANY:
            scans = acquisitions_from_elsewhere(n, self.side, generator, split, device)
        else:
            recipe = replace(self.scans.training_recipe(self.side), split=split)
            scans = acquisitions(n, recipe, generator, device, self.scans.mask, accelerations=ACCELERATIONS)
        return batch_of(scans, complex_noise(scans.target.shape, generator).to(device))

    def batch(self, scan: Acquisition, generator: torch.Generator) -> Batch:
        return batch_of(scan.batch(), complex_noise((1, *scan.target.shape), generator).to(scan.target.device))

    def validation_loss(self, states: Tensor, clean: Tensor) -> Tensor:
        return composite(states, clean)


class FlatTask(ControlledTask):
    """A FLAT of `alpha` and `cascades`, trained by the control of this key."""

    network: FLAT

    def __init__(
        self,
        key: str,
        where: str,
        side: int,
        width: int,
        seed: int = 0,
        alpha: float = 1.0,
        cascades: int = 12,
        own: OwnFolders | None = None,
    ):
        self.control = control = CONTROLS[key]
        backbone, iterations = ("cnn", 0) if where == "single" else ("unet", 4 if control.rule == "derived" else 0)
        arguments = (width, cascades, alpha, control.rule, control.shared, control.s, NOISE_STD / QUANTILE_LEFT)
        build = partial(FLAT, *arguments, iterations, backbone)
        super().__init__(f"flat-{key}-{where}", control.loss, SCANS[where], build, side, seed, own)

    def run(self, network: nn.Module, batch: Batch) -> Trajectory:
        return network(acquisition(batch), eps=batch[-1])

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        scan = acquisition(batch)
        path = network(scan, eps=batch[-1], clean=scan.target if self.control.loss == "matched" else None)
        self.network.measure(path.denoised, scan.target)  # before DDP would broadcast it
        t = time_grid(self.network.cascades, self.network.alpha)
        loss = LOSSES[self.control.loss]
        if self.scans is baselines.ANY:
            return logarithmic(loss, path.states, scan.target, t)
        return loss(path.states, scan.target, t)


class IstaTask(ControlledTask):
    """ISTA-Net+, whose loss also asks that each H~ undoes its H."""

    def __init__(self, side: int, width: int, seed: int = 0, own: OwnFolders | None = None):
        super().__init__("ista-t2", "composite", SCANS["t2"], partial(ISTANet, width), side, seed, own)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        scan = acquisition(batch)
        path = network(scan)
        return composite(path.states, scan.target) + W_ASYMMETRY * path.asymmetry


def single_coil(
    n: int,
    side: int,
    generator: torch.Generator,
    split: str,
    device: torch.device | str = "cpu",
    accelerations: tuple[int, ...] = ACCELERATIONS,
) -> Acquisition:
    """Draw clinical T2 heads seen by one coil of map 1, random lines; units and reference as in `acquisitions`."""
    images = brain_slices(n, (side, side), "clinical", "t2", split, generator, device)
    images = images / quantile_scale(images)
    noise = complex_noise(images.shape, generator).to(device)
    full = fft2c(images) + NOISE_STD * noise
    chosen = torch.randint(len(accelerations), (n,), generator=generator).tolist()
    masks = [make_mask("random", (side, side), accelerations[i], "vertical", generator) for i in chosen]
    mask = torch.stack(masks).to(device)  # (n, 1, W)
    scale = quantile_scale(ifft2c(full * mask))  # (n, 1, 1)
    maps = torch.ones_like(full)[:, None]  # (n, 1, H, W)
    return Acquisition((full * mask / scale)[:, None], mask, maps, ifft2c(full) / scale, mask)


DATA = {
    where: f"{scans.title}, R = 4 and 8, of the split train (one averaged template)" for where, scans in SCANS.items()
}
DATA["any"] = baselines.TASKS["modl-any"].data
PROFILES = {where: SINGLE_PROFILES if where == "single" else _profiles(8, 1e-3) for where in SCANS}
OWN: dict[str, Literal["", "scans"]] = {where: "" if where == "single" else "scans" for where in SCANS}
TASKS = {
    f"flat-{key}-{where}": Trainable(partial(FlatTask, key, where), DATA[where], PROFILES[where], OWN[where])
    for where in SCANS
    for key in CONTROLS
}
TASKS["ista-t2"] = Trainable(IstaTask, DATA["t2"], _profiles(32, 5e-4), "scans")
