"""How a pattern and a reconstruction are trained together (Algorithm 1), and the same with fixed masks."""

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from mrilab.infomri.images import FEW, SIDE, SIGMA, SIZES, gaussian_heads, heads, moved, with_phase
from mrilab.infomri.losses import LOSSES
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.models import MODELS, TESTED, Model, find_model
from mrilab.infomri.sampling import Learned, Ordered
from mrilab.nets.channels import real_channels
from mrilab.physics.fourier import fft2c
from mrilab.physics.noise import complex_noise
from mrilab.training.engine import Group, Profile, Settings
from mrilab.training.feed import Batch, part_generator
from mrilab.training.tasks import Trainable

PATTERN_RATE = 1.0  # learning rate of the pattern over that of the reconstruction; 3 decides too early
ASYMMETRY = 0.01  # weight of ISTA-Net+'s own loss, as its authors have it
VALIDATED = 16  # validation heads a ratio
SETTINGS = Settings(4_000, batch=8, parts=1, learning_rate=3e-3, warmup=50, ema=0.99, validate_every=1_000)


class ImageTask:
    """A model of the lesson on heads seen by one coil, for `fit`.

    Args:
        model: what is trained. A name of `MODELS` will do.
        side: of the square images.
        pool: number of training heads.
    """

    def __init__(
        self, model: Model | str, side: int = SIDE, width: int = 12, pool: int = SIZES["train"], seed: int = 0
    ):
        name, model = (model, find_model(model)) if isinstance(model, str) else ("", model)
        sampling, backbone = model.sampling | {"shape": [side, side]}, model.backbone | {"width": width}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network: nn.Module = InfoMRI(sampling, backbone, model.ratios)
        self.model, self.side, self.pool = model, side, pool
        self.config = {"name": name, "side": side, "pool": pool, "sigma": SIGMA, "loss": model.loss}
        self.config |= {"order": model.order, "phase": model.phase, "pattern_rate": PATTERN_RATE}
        self.config |= {"network": self.network.config}
        self.maps = torch.ones(1, side, side, dtype=torch.complex64)  # one coil that sees all alike
        if model.order:
            _put_in_order(self)
        generator = part_generator(0, 0, 0)
        images = heads("val", side, None if pool == SIZES["train"] else VALIDATED)[:VALIDATED]
        self._fixed = [(r, *self.examples(images, generator)) for r in model.tested]

    def groups(self, network: nn.Module) -> list[Group]:
        """Return the pattern's parameters, which learn faster and are clipped alone."""
        assert isinstance(network, InfoMRI)
        learned = network.sampling.parameters()
        return [Group([*learned], PATTERN_RATE)]

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` images x (n, 1, H, W), all of their k-space with noise (n, 1, H, W), counts (n), seeds (n)."""
        images = heads("train", self.side, self.pool)
        chosen = moved(images[torch.randint(len(images), (n,), generator=generator)], generator)
        low, high = self.model.ratios
        count = self.counts(low + (high - low) * torch.rand(n, generator=generator))
        x, full = self.examples(chosen, generator)
        seeds = torch.randint(2**31, (n,), generator=generator)
        return x.to(device), full.to(device), count.to(device), seeds

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of the posterior from masks that are drawn here, (11) for images alone."""
        x, full, count, seeds = batch
        generator = torch.Generator().manual_seed(int(seeds[0]))
        posterior, _ = network(full, self.maps.to(full.device), count, generator)
        own = getattr(self.network.reconstruction, "asymmetry", None)
        return LOSSES[self.model.loss](posterior, x) + (0 if own is None else ASYMMETRY * own)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss over fixed heads and all tested ratios, and the images at the last: true above mean."""
        assert isinstance(network, InfoMRI)
        device = next(network.parameters()).device
        losses, picture = [], torch.zeros(1, 1)
        for number, (r, *fixed) in enumerate(self._fixed):
            x, full = (each.to(device) for each in fixed)
            generator = torch.Generator().manual_seed(number)
            count = self.counts(torch.full((len(x),), r, device=device))
            posterior, _ = network(full, self.maps.to(device), count, generator)
            losses.append(float(LOSSES[self.model.loss](posterior, x)))
            picture = torch.cat([torch.cat([*each[:4, 0].abs()], -1) for each in (x, posterior.mean)])  # (2 H, 4 W)
        return sum(losses) / len(losses), (picture / picture.max()).clamp(0, 1)

    def counts(self, r: Tensor) -> Tensor:
        """Return the number of samples of each ratio (n), whole numbers and at least 1."""
        assert isinstance(self.network, InfoMRI)
        return (r * math.prod(self.network.sampling.unit)).round().long().clamp(min=1)

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return what the pattern makes of the tested ratios; see `pattern_measures`."""
        assert isinstance(network, InfoMRI)
        return pattern_measures(network) if isinstance(network.sampling, Learned) else {}

    def examples(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return x (n, parts, H, W) of magnitudes (n, H, W), and all of its k-space with noise, (n, 1, H, W)."""
        return examples(images, self.model.phase, generator)


def examples(images: Tensor, phase: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return x, (n, 1, H, W) without phase and (n, 2, H, W) with, of magnitudes (n, H, W), and its noisy k-space."""
    if phase:
        image = with_phase(images, phase, generator)
        x = real_channels(image)  # (n, 2, H, W)
    else:
        image, x = images.to(torch.complex64), images[:, None]
    full = fft2c(image) + SIGMA * complex_noise(image.shape, generator)
    return x, full[:, None]


@torch.no_grad()
def pattern_measures(network: InfoMRI) -> dict[str, float]:
    """Return raw mean, entropy per position in bits, and the share of decided positions, at every tested ratio."""
    assert isinstance(network.sampling, Learned)
    pattern = network.sampling.pattern
    values = {}
    for ratio in TESTED:
        r = torch.tensor([ratio])
        p = pattern(r).flatten().double()
        q = p.clamp(1e-12, 1 - 1e-12)
        entropy = -(q * q.log2() + (1 - q) * (1 - q).log2()).mean()
        values[f"raw mean {ratio:g}"] = float(torch.sigmoid(pattern.logits(r)).mean())
        values[f"entropy {ratio:g}"] = float(entropy)
        values[f"decided {ratio:g}"] = float(((p < 0.05) | (p > 0.95)).double().mean())
    return values


def _put_in_order(task: ImageTask) -> None:
    """Give an `Ordered` sampling its order, from the training heads: "closed-form", or "spectrum", by mean power."""
    assert isinstance(task.network, InfoMRI) and isinstance(task.network.sampling, Ordered)
    sampling = task.network.sampling
    if task.model.order == "closed-form":
        order = gaussian_heads(task.side, task.pool).order(sampling.unit)
    else:
        images = moved(heads("train", task.side, task.pool), part_generator(0, 0, 0))
        power = fft2c(images.to(torch.complex64)).abs().square().mean(0)  # (H, W)
        order = power.flatten().argsort(descending=True, stable=True)
    sampling.order.copy_(order)


PROFILES = {
    "smoke": Profile(32, 4, replace(SETTINGS, steps=20, batch=4, warmup=5, log_every=5, validate_every=10)),
    "teach": Profile(SIDE, 12, SETTINGS),
    "full": Profile(SIDE, 32, replace(SETTINGS, steps=50_000, batch=64, parts=8)),
}


def _build(name: str, side: int, width: int, seed: int = 0) -> ImageTask:
    pool = SIZES["train"] if side == SIDE else FEW
    return ImageTask(name, side, width, pool, seed)


HEADS = "magnitudes of clinical T2-weighted axial heads of mrilab.data.brain_slices, split train"
TASKS = {f"infomri-{name}": Trainable(partial(_build, name), HEADS, PROFILES) for name in MODELS}
