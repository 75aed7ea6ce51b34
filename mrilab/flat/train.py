"""FLAT and its controls, and ISTA-Net+: one factor at a time, all with the same data and the same final loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mrilab.baselines.istanet import ISTANet
from mrilab.data.shifts import SHIFTS, Shift
from mrilab.data.slices import brain_slices
from mrilab.flat.flow import time_grid
from mrilab.flat.losses import LOSSES, W_ALIGN
from mrilab.flat.network import FLAT
from mrilab.nets.trajectory import Trajectory
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition
from mrilab.physics.sampling import make_mask
from mrilab.physics.scale import quantile_scale
from mrilab.training.acquisitions import acquisitions
from mrilab.training.engine import Profile, Settings
from mrilab.training.feed import Batch
from mrilab.training.losses import composite
from mrilab.training.supervised import Supervised, acquisition, batch_of

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
ISTA = Control("ISTA-Net+", "ista", "composite")
SINGLE = Shift("single-coil T2 heads, 64 x 64, random lines", mask="random")
SCANS = {
    "single": SINGLE,
    "t2": SHIFTS["none"],
    "heads": Shift("scans from elsewhere", dataset="heads-randomised-test"),
}
SMOKE = Settings(8, batch=2, learning_rate=2e-3, warmup=2, log_every=2, validate_every=4)
FULL = Settings(50_000, batch=16, parts=8, warmup=1_000, ema=0.9995, validate_every=2_000, learning_rate=1e-3)
SINGLE_PROFILES = {
    "smoke": Profile(32, 8, SMOKE),
    "teach": Profile(SINGLE_SIDE, 16, Settings(600, batch=8, parts=2, learning_rate=2e-3)),
    "full": Profile(SINGLE_SIDE, 16, Settings(20_000, batch=16, parts=2, learning_rate=2e-3)),
}
SEVERAL_PROFILES = {
    "smoke": Profile(48, 8, SMOKE),
    "teach": Profile(128, 8, Settings(4_000, batch=2, learning_rate=1e-3)),
    "full": Profile(128, 8, FULL),
}
ISTA_PROFILES = {
    "smoke": Profile(48, 8, SMOKE),
    "teach": Profile(128, 32, Settings(4_000, batch=2, learning_rate=5e-4)),
    "full": Profile(128, 32, FULL),
}


@dataclass(frozen=True)
class Controlled:
    """A control or ISTA, the scans that it learns from, and its profiles: a `Trainable`."""

    name: str
    control: Control
    scans: Shift
    profiles: Mapping[str, Profile]

    @property
    def data(self) -> str:
        """Say what the network learns from, for its card."""
        return f"{self.scans.title}, R = 4 and 8, of the split train (one averaged template)"

    def build(self, side: int, width: int, seed: int = 0) -> ControlledTask:
        """Make the task for images of `side` and a network of `width`."""
        kind = IstaTask if self.control is ISTA else FlatTask
        return kind(self, side, width, seed)


class ControlledTask(Supervised):
    """One of TASKS at one size. Validation takes the composite loss of the last state, the same for all of them."""

    def __init__(self, trainable: Controlled, build: Callable[[], nn.Module], side: int, seed: int):
        self.scans, self.control, self.side = trainable.scans, trainable.control, side
        super().__init__(build, seed)
        self.config = {"name": trainable.name, "side": side, "accelerations": list(ACCELERATIONS)}
        self.config |= {"made_as": self.scans.dataset, "mask": self.scans.mask, "loss": self.control.loss}
        self.config |= {"w_align": W_ALIGN, "network": self.network.config}

    def examples(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Batch:
        """Draw `n` acquisitions, and behind their fields unit noise (n, H, W) for the start."""
        if self.scans is SINGLE:
            scans = single_coil(n, self.side, generator, split, device)
        else:
            recipe = replace(self.scans.training_recipe(self.side), split=split)
            scans = acquisitions(n, recipe, generator, device, self.scans.mask, accelerations=ACCELERATIONS)
        return batch_of(scans, complex_noise(scans.target.shape, generator).to(device))

    def validation_loss(self, states: Tensor, clean: Tensor) -> Tensor:
        return composite(states, clean)


class FlatTask(ControlledTask):
    """A FLAT of `alpha` and `cascades`, trained by a control."""

    network: FLAT

    def __init__(self, trainable: Controlled, side: int, width: int, seed: int, alpha: float = 1.0, cascades: int = 12):
        control, single = trainable.control, trainable.scans is SINGLE
        backbone, iterations = ("cnn", 0) if single else ("unet", 4 if control.rule == "derived" else 0)
        arguments = (width, cascades, alpha, control.rule, control.shared, control.s, NOISE_STD / QUANTILE_LEFT)
        super().__init__(trainable, lambda: FLAT(*arguments, iterations, backbone), side, seed)

    def run(self, network: nn.Module, batch: Batch) -> Trajectory:
        return network(acquisition(batch), eps=batch[-1])

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        scan = acquisition(batch)
        path = network(scan, eps=batch[-1], clean=scan.target if self.control.loss == "matched" else None)
        self.network.measure(path.denoised, scan.target)  # before DDP would broadcast it
        t = time_grid(self.network.cascades, self.network.alpha)
        return LOSSES[self.control.loss](path.states, scan.target, t)


class IstaTask(ControlledTask):
    """ISTA-Net+, whose loss also asks that each H~ undoes its H."""

    def __init__(self, trainable: Controlled, side: int, width: int, seed: int):
        super().__init__(trainable, lambda: ISTANet(width), side, seed)

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


TASKS = {
    trainable.name: trainable
    for trainable in (
        *(
            Controlled(f"flat-{key}-{where}", control, scans, SINGLE_PROFILES if scans is SINGLE else SEVERAL_PROFILES)
            for where, scans in SCANS.items()
            for key, control in CONTROLS.items()
        ),
        Controlled("ista-t2", ISTA, SCANS["t2"], ISTA_PROFILES),
    )
}
