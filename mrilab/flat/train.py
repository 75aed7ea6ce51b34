"""FLAT and its controls, and ISTA-Net+: one factor at a time, all with the same data and the same final loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.train import SHOWN, VALIDATION
from mrilab.data.shifts import SHIFTS, Shift
from mrilab.data.slices import brain_slices
from mrilab.errors import UserError
from mrilab.flat.flow import time_grid
from mrilab.flat.losses import LOSSES, W_ALIGN
from mrilab.flat.network import FLAT
from mrilab.physics import fft2c, ifft2c, make_mask, mvue
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition
from mrilab.physics.scale import quantile_scale
from mrilab.training.acquisitions import acquisitions
from mrilab.training.engine import Profile, Settings
from mrilab.training.feed import Batch, part_generator
from mrilab.training.losses import composite
from mrilab.training.tasks import Trainable

ACCELERATIONS = (4, 8)
W_ASYMMETRY = 0.01  # of ISTA-Net+'s authors
NOISE_START = 0.2  # s of the sampler: about the spread of image values per real component
NOISE_STD, QUANTILE_LEFT = 0.01, 0.7  # of the data sets; what zero-filling leaves of the 0.99 quantile at R = 4
SINGLE_SIDE = 64


@dataclass(frozen=True)
class Control:
    """One way to train; `loss` names an entry of LOSSES, the rest is of the network."""

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
SCANS = {
    "single": Shift("single-coil T2 heads, 64 x 64, random lines", mask="random"),
    "t2": SHIFTS["none"],
    "heads": Shift("scans from elsewhere", dataset="heads-randomised-test"),
}
NAMES = [f"flat-{control}-{scans}" for scans in SCANS for control in CONTROLS]
NAMES += ["ista-t2"]
DATA = {
    name: f"{SCANS[name.rpartition('-')[2]].title}, R = 4 and 8, of the split train (one averaged template)"
    for name in NAMES
}
SMOKE = Settings(8, batch=2, learning_rate=2e-3, warmup=2, log_every=2, validate_every=4)
FULL = Settings(50_000, batch=16, parts=8, warmup=1_000, ema=0.9995, validate_every=2_000, learning_rate=1e-3)
PROFILES = {
    "single": {
        "smoke": Profile(32, 8, SMOKE),
        "teach": Profile(SINGLE_SIDE, 16, Settings(600, batch=8, parts=2, learning_rate=2e-3)),
        "full": Profile(SINGLE_SIDE, 16, Settings(20_000, batch=16, parts=2, learning_rate=2e-3)),
    },
    "several": {
        "smoke": Profile(48, 8, SMOKE),
        "teach": Profile(128, 8, Settings(4_000, batch=2, learning_rate=1e-3)),
        "full": Profile(128, 8, FULL),
    },
    "ista": {
        "smoke": Profile(48, 8, SMOKE),
        "teach": Profile(128, 32, Settings(4_000, batch=2, learning_rate=5e-4)),
        "full": Profile(128, 32, FULL),
    },
}


def profiles(name: str) -> dict[str, Profile]:
    """Those of a task of NAMES."""
    if name.startswith("ista"):
        return PROFILES["ista"]
    return PROFILES["single" if name.endswith("single") else "several"]


class FlatTask:
    """A network of NAMES on its scans: the network, its data and its loss, for `fit`.

    Args:
        alpha, cascades: of FLAT.

    Raises:
        UserError: there is no task of this name.
    """

    def __init__(self, name: str, side: int, width: int, seed: int = 0, alpha: float = 1.0, cascades: int = 12):
        if name not in DATA:
            raise UserError(f"there is nothing to train by the name {name!r}; choose one of {', '.join(DATA)}")
        kind, _, scans = name.rpartition("-")
        self.scans, self.side, self.single = SCANS[scans], side, scans == "single"
        self.control = CONTROLS.get(kind.removeprefix("flat-"))  # None for ISTA-Net+
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = self._build(width, alpha, cascades)
        self.config = {"name": name, "side": side, "accelerations": list(ACCELERATIONS), "made_as": self.scans.dataset}
        self.config |= {"mask": self.scans.mask, "loss": self.control.loss if self.control else "composite"}
        self.config |= {"w_align": W_ALIGN, "network": self.network.config}
        self._fixed = self._examples(VALIDATION, part_generator(seed, 0, 0), "val", "cpu")

    def _build(self, width: int, alpha: float, cascades: int) -> nn.Module:
        control = self.control
        if control is None:
            return ISTANet(width)
        options = {"backbone": "cnn"} if self.single else {"iterations": 0 if control.rule != "derived" else 4}
        noise_std = NOISE_STD / QUANTILE_LEFT
        return FLAT(width, cascades, alpha, control.rule, control.shared, control.s, noise_std, **options)

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """The fields of an `Acquisition` of `n` scans, and unit noise (n, H, W) for the start."""
        return self._examples(n, generator, "train", device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Of the last state, 1 - SSIM and what the control adds."""
        *fields, eps = batch
        scans = Acquisition(*fields)
        if self.control is None:
            path = network(scans)
            return composite(path.states, scans.reference) + W_ASYMMETRY * path.asymmetry
        clean = scans.reference if self.control.loss == "matched" else None
        path = network(scans, eps=eps, clean=clean)
        self.network.measure(path.denoised, scans.reference)  # before DDP would broadcast it
        return LOSSES[self.control.loss](path.states, scans.reference, self._times())

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """The composite loss of the last state, the same for all controls, and a picture as of `UnrolledTask`."""
        device = next(network.parameters()).device
        losses, columns = [], []
        for fields in zip(*self._fixed, strict=True):
            *fields, eps = (field[None].to(device) for field in fields)
            scan = Acquisition(*fields)
            start = {} if self.control is None else {"eps": eps}
            states = network(scan, **start).states
            losses.append(composite(states, scan.reference).item())
            if len(columns) < SHOWN:
                rows = [scan.reference, mvue(scan.kspace, scan.coil_maps), states[-1]]
                columns.append(torch.cat(rows).abs().flatten(0, 1) / scan.reference.abs().max())  # (3 H, W)
        return sum(losses) / len(losses), torch.cat(columns, -1).clamp(0, 1)  # (3 H, SHOWN W)

    def _times(self) -> Tensor:
        return time_grid(self.network.cascades, self.network.alpha)

    def _examples(self, n: int, generator: torch.Generator, split: str, device) -> Batch:
        if self.single:
            scans = single_coil(n, self.side, generator, split, device)
        else:
            recipe = replace(self.scans.training_recipe(self.side), split=split)
            scans = acquisitions(n, recipe, generator, device, self.scans.mask, accelerations=ACCELERATIONS)
        eps = complex_noise(scans.reference.shape, generator).to(device)
        return *scans, eps


def single_coil(
    n: int,
    side: int,
    generator: torch.Generator,
    split: str,
    device="cpu",
    accelerations: tuple[int, ...] = ACCELERATIONS,
) -> Acquisition:
    """Clinical T2 heads seen by one coil of map 1, random lines; units and reference as in `acquisitions`."""
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


TASKS = {name: Trainable(FlatTask, data, profiles(name)) for name, data in DATA.items()}
