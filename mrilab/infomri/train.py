"""How a pattern and a reconstruction are trained together (Algorithm 1), and the same with fixed masks."""

import hashlib
import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from mrilab.csgm.denoiser import Denoiser
from mrilab.csgm.train import ScoreTask
from mrilab.errors import UserError
from mrilab.infomri.images import FEW, SIDE, SIGMA, SIZES, moved
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.losses import LOSSES
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.models import ELSEWHERE, MODELS, TESTED, Model, find_model
from mrilab.infomri.policy import PolicyPattern, policy_loss
from mrilab.infomri.sampling import Learned, Ordered, Sampling
from mrilab.infomri.scans import SCANS, OneCoil, Pictures, SeveralCoils, Source
from mrilab.infomri.tasks.trainable import TASKS as SEGMENTATION
from mrilab.physics.fourier import fft2c
from mrilab.training.checkpoints import load_checkpoint
from mrilab.training.feed import Batch, part_generator
from mrilab.training.groups import Group
from mrilab.training.settings import Profile, Settings
from mrilab.training.tasks import Trainable

PATTERN_RATE = 1.0  # learning rate of the pattern over that of the reconstruction; 3 decides too early
ASYMMETRY = 0.01  # weight of ISTA-Net+'s own loss, as its authors have it
VALIDATED = 16  # validation heads a ratio
SETTINGS = Settings(4_000, batch=8, learning_rate=3e-3, warmup=50, ema=0.99, validate_every=1_000)


class ImageTask:
    """A model of the lesson with its images, for `fit`.

    Args:
        model: what is trained. A name of `MODELS` will do.
        side: of the square images.
        width: channels of the reconstruction.
        pool: number of training images, None for all that there are.
        lender: the network that the model starts from and that stays as it is: for plug-and-play the denoiser, for a
            policy the reconstruction. By default the checkpoint that the model names.
        images: magnitudes (n, side, side) to learn from in place of heads; `side` is then theirs.

    Raises:
        UserError: there is no such checkpoint; images that are not square, or of a side that the U-Net cannot halve.
    """

    def __init__(
        self,
        model: Model | str,
        side: int = SIDE,
        width: int = 12,
        pool: int | None = None,
        seed: int = 0,
        lender: nn.Module | None = None,
        images: Tensor | None = None,
    ):
        name, model = (f"infomri-{model}", find_model(model)) if isinstance(model, str) else ("", model)
        if images is not None:
            side = _side_of(images)
        if model.start is not None and lender is None:
            lender, _ = load_checkpoint(f"infomri-{model.start}")
        sampling, backbone = model.sampling | {"shape": [side, side]}, model.backbone | {"width": width}
        if isinstance(lender, Denoiser):
            backbone |= lender.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = InfoMRI(sampling, backbone, model.ratios)
        if lender is not None:
            _lend(lender, self.network)
        self.model, self.side = model, side
        self.source = source_of(model, side, pool) if images is None else Pictures(images)
        self.config = {"name": name, "side": side, "pool": pool, "sigma": SIGMA, "loss": model.loss}
        self.config |= {"order": model.order, "phase": model.phase, "pattern_rate": PATTERN_RATE}
        self.config |= {"network": self.network.config}
        if images is not None:  # a run resumes with the same ones only
            self.config["images"] = hashlib.sha256(images.numpy().tobytes()).hexdigest()
        if model.order:
            _put_in_order(self.network.sampling, model.order, self.source)
        self._fixed = self.source.fixed("val", VALIDATED)

    def groups(self, network: nn.Module) -> list[Group]:
        """Return the pattern's parameters, which have a learning rate of their own and are clipped alone."""
        assert isinstance(network, InfoMRI)
        learned = network.sampling.parameters()
        return [Group([*learned], PATTERN_RATE)]

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` images x (n, parts, H, W), k-space and maps (n, coil, H, W), counts (n) and seeds (n)."""
        x, full, maps = self.source.train(n, generator)
        low, high = self.model.ratios
        count = self.counts(low + (high - low) * torch.rand(n, generator=generator))
        seeds = torch.randint(2**31, (n,), generator=generator)
        return x.to(device), full.to(device), maps.expand_as(full).to(device), count.to(device), seeds

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of the posterior from masks that are drawn here: (13), the bound that is raised."""
        x, full, maps, count, seeds = batch
        generator = torch.Generator().manual_seed(int(seeds[0]))
        if isinstance(self.network.sampling, PolicyPattern):
            lines = int(count[0])
            return policy_loss(self.network.sampling, self.network.reconstruction, x, full, maps, lines, generator)
        posterior, _ = network(full, maps, count, generator)
        own = getattr(self.network.reconstruction, "asymmetry", None)
        return LOSSES[self.model.loss](posterior, x) + (0 if own is None else ASYMMETRY * own)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss over fixed images and all tested ratios, and the images at the last: true above mean.

        The masks are the most probable ones, and the network computes in float32. A draw that misses a low frequency in
        one of sixteen images would move the loss by more than a training does.
        """
        assert isinstance(network, InfoMRI)
        device = next(network.parameters()).device
        x, full, maps = (each.to(device) for each in self._fixed)
        losses, picture = [], torch.zeros(1, 1)
        low, high = self.model.ratios
        for r in self.model.tested if low < high else (high,):
            count = self.counts(torch.full((len(x),), r, device=device))
            with torch.autocast(device.type, enabled=False):
                posterior, _ = network(full, maps, count, None)
            losses.append(float(LOSSES[self.model.loss](posterior, x)))
            picture = torch.cat([torch.cat([*each[:4, 0].abs()], -1) for each in (x, posterior.mean)])  # (2 H, 4 W)
        return sum(losses) / len(losses), (picture / picture.max()).clamp(0, 1)

    def counts(self, r: Tensor) -> Tensor:
        """Return the number of samples of each ratio (n), whole numbers and at least 1."""
        return (r * math.prod(self.network.sampling.unit)).round().long().clamp(min=1)

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return what the pattern makes of the tested ratios; see `pattern_measures`."""
        assert isinstance(network, InfoMRI)
        return pattern_measures(network) if isinstance(network.sampling, Learned) else {}


def source_of(model: Model, side: int = SIDE, pool: int | None = None) -> Source:
    """Return the images of a model, with `pool` training images or as many as there are."""
    if model.recipe is not None:
        return SeveralCoils(replace(model.recipe, shape=(side, side)), pool or SCANS["train"])
    return OneCoil(side, pool or SIZES["train"], model.phase)


def _lend(lender: nn.Module, network: InfoMRI) -> None:
    """Give a model the network that it starts from, which is not trained any more."""
    if isinstance(lender, Denoiser):
        borrowed: nn.Module = network.reconstruction.denoiser
        borrowed.load_state_dict(lender.state_dict())
    else:
        assert isinstance(lender, InfoMRI)
        borrowed = network.reconstruction
        borrowed.load_state_dict(lender.reconstruction.state_dict())
    borrowed.requires_grad_(False)


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


def _put_in_order(sampling: Sampling, by: str, source: Source) -> None:
    """Give an `Ordered` sampling its order, from the training images: "closed-form", or "spectrum", by mean power."""
    assert isinstance(sampling, Ordered) and isinstance(source, OneCoil)
    images = moved(source.heads("train"), part_generator(0, 0, 0))  # (n, H, W)
    if by == "closed-form":
        order = GaussianKspace.of_images(images, SIGMA).order(sampling.unit)
    else:
        power = fft2c(images.to(torch.complex64)).abs().square().mean(0)  # (H, W)
        order = power.flatten().argsort(descending=True, stable=True)
    sampling.order.copy_(order)


def _side_of(images: Tensor) -> int:
    height, width = images.shape[-2:]
    if height != width or width % 16 or width < 32:
        raise UserError(f"images of {height} x {width} cannot be trained on; give square ones of 32, 48, 64 ... pixels")
    return width


SMOKE = Profile(32, 4, replace(SETTINGS, steps=20, batch=4, warmup=5, log_every=5, validate_every=10))
FULL = replace(SETTINGS, steps=50_000, batch=64, parts=8, learning_rate=1e-3, warmup=1_000)


def profiles(name: str) -> dict[str, Profile]:
    """Return the profiles of a model's training."""
    model = find_model(name)
    settings = replace(SETTINGS, steps=model.steps)
    if name in ELSEWHERE:
        settings = replace(settings, batch=4, learning_rate=1e-3, warmup=200)
        smoke = replace(SMOKE, side=128)  # the calibrated centre needs so many lines
        return {"smoke": smoke, "teach": Profile(128, 24, settings), "full": Profile(128, 48, FULL)}
    width = 12 if model.backbone["by"] == "unet" else 16
    return {"smoke": SMOKE, "teach": Profile(SIDE, width, settings), "full": Profile(SIDE, 2 * width, FULL)}


def _build(name: str, side: int, width: int, seed: int = 0, images: Tensor | None = None) -> ImageTask:
    return ImageTask(name, side, width, FEW if width == SMOKE.width else None, seed, images=images)


HEADS = "magnitudes of clinical T2-weighted axial heads of mrilab.data.brain_slices, split train"
EIGHT_COILS = "clinical T2-weighted heads of mrilab.data.pool.scan_pool with eight coils, split train"
RANDOMISED = "randomised heads of mrilab.data.pool.scan_pool with eight coils, split train"


def _data(name: str, model: Model) -> str:
    return RANDOMISED if name in ELSEWHERE else HEADS if model.recipe is None else EIGHT_COILS


TASKS: dict[str, Trainable] = {
    f"infomri-{name}": Trainable(
        partial(_build, name),
        _data(name, model),
        profiles(name),
        "pictures" if model.recipe is None and not model.phase else "",
    )
    for name, model in MODELS.items()
}
TASKS |= SEGMENTATION
DENOISER_PROFILES = {
    "smoke": Profile(32, 8, replace(SMOKE.settings, learning_rate=4e-4)),
    "teach": Profile(SIDE, 8, Settings(6_000, batch=8, learning_rate=1e-3)),
    "full": Profile(SIDE, 8, Settings(50_000, batch=64, parts=8, warmup=1_000)),
}
TASKS["infomri-denoiser"] = Trainable(
    partial(ScoreTask, "infomri-denoiser", "clinical", "t2"),
    HEADS.replace("magnitudes of", "slices of"),
    DENOISER_PROFILES,
    "scans",
)
