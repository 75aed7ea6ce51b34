"""How a classifier and its samples are trained (algorithm 4): to be right, and with beta < 0 to know nothing else."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from mrilab.infomri.images import SIGMA
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.model import SAMPLINGS, built
from mrilab.infomri.sampling import Learned, Ordered, Sampler
from mrilab.infomri.tasks.active import ActiveClassifier
from mrilab.infomri.tasks.attack import ATTACKERS, Leak
from mrilab.infomri.tasks.classifiers import Classified
from mrilab.infomri.tasks.classify import TaskClassifier, privacy_loss
from mrilab.infomri.tasks.labelled import Source
from mrilab.training.feed import Batch
from mrilab.training.groups import Group
from mrilab.training.settings import Settings

SETTINGS = Settings(1_500, batch=64, parts=1, learning_rate=2e-3, warmup=50, ema=0.99, validate_every=500)
AT_A_TIME = 500  # images that a network classifies at once
WARMUP = 0.3  # share of the training over which |beta| rises: the entropy's gradient is exact, the classifier's is not


class ClassificationTask:
    """Classification from samples of one ratio, for `fit`.

    Args:
        model: of `classifiers.py`. source: labelled images. steps: length of the training.
        lends: the model whose sampling this one takes, as it is.
        begins: the model of part 1 whose pattern this one begins with.
    """

    def __init__(
        self,
        model: Classified,
        source: Source,
        steps: int = SETTINGS.steps,
        seed: int = 0,
        lends: Sampler | None = None,
        begins: Any = None,
    ):
        self.model, self.source, self.steps = model, source, steps
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _network(model, source)
        self.maps = torch.ones(1, *source.shape, dtype=torch.complex64)
        self.gaussian = GaussianKspace.of_images(source.fixed("train").x[:, 0], SIGMA)
        if isinstance(self.network, Sampler):
            sampling = self.network.sampling
            if isinstance(sampling, Ordered):
                sampling.order.copy_(self.gaussian.order(sampling.unit))
            if begins is not None and isinstance(sampling, Learned):
                sampling.pattern.load_state_dict(begins.sampling.pattern.state_dict())
            if lends is not None:
                sampling.load_state_dict(lends.sampling.state_dict())
                sampling.requires_grad_(False)
        self.config = {"name": "infomri-classes", "warmup": WARMUP, "steps": steps, "sigma": SIGMA}
        self.config |= {"model": model.described, "entropy": "per sample, in nats", "network": self.network.config}

    def groups(self, network: nn.Module) -> list[Group]:
        """Return the pattern's parameters, which are clipped alone."""
        return [Group([*network.sampling.parameters()])] if isinstance(network, TaskClassifier) else []

    def count(self, n: int) -> Tensor:
        """Return the number of samples of each of `n` images."""
        return torch.full((n,), round(self.model.ratio * math.prod(self.source.shape)))

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` k-spaces (n, 1, H, W) with noise, classes (n), and seeds (n)."""
        _, full, classes = self.source.train(n, generator)
        return full.to(device), classes.to(device), torch.randint(2**31, (n,), generator=generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return minus (12) for masks that are drawn here, with a beta that rises."""
        full, classes, seeds = batch
        generator = torch.Generator().manual_seed(int(seeds[0]))
        logits, sampled = network(full, self.maps.to(full.device), self.count(len(full)).to(full.device), generator)
        seen = float(getattr(getattr(self.network, "sampling", None), "seen", 0.0))
        rising = min(1.0, seen / (WARMUP * self.steps))
        return privacy_loss(logits, classes, sampled, self.gaussian, rising * self.model.beta)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the cross-entropy on validation images, and how often each position was sampled."""
        _, full, classes = self.source.fixed("val")
        logits, masks = classified(network, full, self.maps, self.count(len(full)))
        return float(cross_entropy(logits, classes)), masks.mean(0)

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return the accuracy on validation images."""
        _, full, classes = self.source.fixed("val")
        logits, _ = classified(network, full, self.maps, self.count(len(full)))
        return {"accuracy": float((logits.argmax(1) == classes).float().mean())}


class ImageTask:
    """What LOUPE learns its pattern for: the image, made by a U-Net from samples of one ratio, for `fit`."""

    def __init__(self, model: Classified, source: Source, seed: int = 0):
        self.model, self.source = model, source
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = ImageMaker(model.sampling | {"shape": [*source.shape]})
        self.maps = torch.ones(1, *source.shape, dtype=torch.complex64)
        self.config = {"name": "infomri-classes-image", "sigma": SIGMA, "model": model.described}
        self.config |= {"network": self.network.config}

    def groups(self, network: nn.Module) -> list[Group]:
        """Return the pattern's parameters, which are clipped alone."""
        assert isinstance(network, ImageMaker)
        return [Group([*network.sampling.parameters()])]

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` images x (n, 1, H, W), k-spaces (n, 1, H, W) with noise, and seeds (n)."""
        x, full, _ = self.source.train(n, generator)
        return x.to(device), full.to(device), torch.randint(2**31, (n,), generator=generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the squared error of the image, for masks that are drawn here."""
        x, full, seeds = batch
        return mse_loss(self._made(network, full, torch.Generator().manual_seed(int(seeds[0]))), x)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the squared error on validation images, and four of them."""
        x, full, _ = self.source.fixed("val", 500)
        made = self._made(network, full, torch.Generator().manual_seed(1))
        return float(mse_loss(made, x)), torch.cat([*made[:4, 0]], -1).clamp(0, 1)

    def _made(self, network: nn.Module, full: Tensor, generator: torch.Generator) -> Tensor:
        count = torch.full((len(full),), round(self.model.ratio * math.prod(self.source.shape)))
        return network(full, self.maps.to(full.device), count.to(full.device), generator).float()


class ImageMaker(Sampler):
    """A sampling and the U-Net that makes the image from it. `sampling` is as `TaskClassifier` takes it."""

    def __init__(self, sampling: dict[str, Any]):
        super().__init__()
        self.config = {"sampling": sampling}
        self.sampling = built(SAMPLINGS, sampling)
        self.make = ATTACKERS["U-Net"]()

    def forward(self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None) -> Tensor:
        """Sample `count` (n) positions of k-space (n, 1, H, W) and return images (n, 1, H, W)."""
        sampled = self.sampling(count, generator)
        return self.make(Leak(full, full, sampled.mask))


@torch.no_grad()
def classified(network: nn.Module, full: Tensor, maps: Tensor, count: Tensor, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Return logits (n, classes) and masks (n, H, W) for k-space (n, 1, H, W), the same draws at every call."""
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    parts = [network(*each, generator) for each in _together(full, maps, count)]
    masks = torch.cat([sampled.mask.expand(-1, *full.shape[-2:]) for _, sampled in parts])
    return torch.cat([logits for logits, _ in parts]), masks


def _together(full: Tensor, maps: Tensor, count: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    return [(k, maps, c) for k, c in zip(full.split(AT_A_TIME), count.split(AT_A_TIME), strict=True)]


def _network(model: Classified, source: Source) -> nn.Module:
    if model.sampling["by"] == "active":
        return ActiveClassifier(source.shape, source.classes, model.ratio)
    return TaskClassifier(model.sampling, source.shape, source.classes, model.ratio)
