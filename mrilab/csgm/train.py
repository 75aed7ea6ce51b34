"""The score networks: denoising score matching on heads that are made as they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mrilab.csgm.denoiser import Denoiser, denoising_loss
from mrilab.csgm.levels import largest_distance
from mrilab.data.slices import brain_slices
from mrilab.errors import UserError
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.training.engine import Profile, Settings
from mrilab.training.feed import Batch, part_generator

SIGMA_MIN = 0.0066  # of Jalal et al., "Robust compressed sensing MRI with deep generative priors", NeurIPS 2021
# The sampler starts at about 1.2, so most of the training goes to the noise below (the share is of our choosing);
# the rest keeps the denoiser right up to sigma_max, from where images can be drawn without data.
SIGMA_START, BELOW_START = 1.2, 0.85
SEEN = 64  # training slices from which the range of noise is taken
VALIDATION, SHOWN = 32, 8  # slices, each at one of as many noise levels; those in the picture
QUANTILE = 0.99

DISTRIBUTIONS = {"score-t2": ("clinical", "t2"), "score-heads": ("randomised", None)}
DATA = {
    "score-t2": "clinical T2-weighted axial heads of mrilab.data.brain_slices, split train (one averaged template)",
    "score-heads": "randomised heads of mrilab.data.brain_slices, split train (one averaged template)",
}


PROFILES = {
    "smoke": Profile(32, 8, Settings(20, batch=4, warmup=5, log_every=5, validate_every=10)),
    "teach": Profile(128, 32, Settings(7_000, batch=4)),
    "full": Profile(128, 32, Settings(100_000, batch=64, parts=8, warmup=1_000, ema=0.9995, validate_every=2_000)),
}


class ScoreTask:
    """`score-t2` or `score-heads` at one size: the network, its data and its loss, for `fit`.

    Raises:
        UserError: there is no task of this name.
    """

    def __init__(self, name: str, side: int, width: int, seed: int = 0):
        if name not in DISTRIBUTIONS:
            raise UserError(f"there is nothing to train by the name {name!r}; choose one of {', '.join(DISTRIBUTIONS)}")
        self.name, self.shape = name, (side, side)
        images = self._slices(SEEN, torch.Generator().manual_seed(seed), "train", "cpu")
        # rounded, so that another machine that resumes the run finds the same numbers
        self.sigma_max = round(largest_distance(images), 1)
        self.sigma_data = round(torch.view_as_real(images).std().item(), 3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Denoiser(width, self.sigma_data)
        self.config = {"name": name, "side": side, "sigma_min": SIGMA_MIN, "sigma_max": self.sigma_max}
        self.config |= {"sigma_start": SIGMA_START, "below_start": BELOW_START, "network": self.network.config}
        self._fixed = self._validation_batch(part_generator(seed, 0, 0))

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """`n` clean images (n, H, W), their sigma (n,), and unit noise (n, H, W) per real component."""
        clean = self._slices(n, generator, "train", device)
        sigma = self._sigma(torch.rand(n, generator=generator))
        noise = _unit_noise(n, self.shape, generator)
        return clean, sigma.to(device), noise.to(device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        return denoising_loss(network, batch, self.sigma_data)

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """The loss over evenly spread quantiles of sigma, and magnitudes: clean above noisy above denoised."""
        device = next(network.parameters()).device
        clean, sigma, noise = (tensor.to(device) for tensor in self._fixed)
        noisy = clean + sigma[:, None, None] * noise
        rows = torch.stack([clean, noisy, network(noisy, sigma)]).abs()[:, :: VALIDATION // SHOWN]  # (3, SHOWN, H, W)
        picture = rows.transpose(1, 2).flatten(2).flatten(0, 1)  # (3 H, SHOWN W)
        return self.loss(network, (clean, sigma, noise)).item(), picture.clamp(0, 1)

    def _validation_batch(self, generator: torch.Generator) -> Batch:
        clean = self._slices(VALIDATION, generator, "val", "cpu")
        sigma = self._sigma((torch.arange(VALIDATION) + 0.5) / VALIDATION)
        return clean, sigma, _unit_noise(VALIDATION, self.shape, generator)

    def _slices(self, n: int, generator: torch.Generator, split: str, device) -> Tensor:
        distribution, contrast = DISTRIBUTIONS[self.name]
        images = brain_slices(n, self.shape, distribution, contrast, split, generator, device)
        return images / quantile_scale(images, QUANTILE)

    def _sigma(self, u: Tensor) -> Tensor:
        """The quantile `u` of the training's noise: log-uniform below SIGMA_START, and log-uniform above it."""
        below = SIGMA_MIN * (SIGMA_START / SIGMA_MIN) ** (u / BELOW_START)
        above = SIGMA_START * (self.sigma_max / SIGMA_START) ** ((u - BELOW_START) / (1 - BELOW_START))
        return torch.where(u < BELOW_START, below, above)


def _unit_noise(n: int, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    return complex_noise((n, *shape), generator)


@dataclass(frozen=True)
class Score:
    """A score network by its name: a `Trainable`."""

    name: str

    @property
    def data(self) -> str:
        """Say what the network learns from, for its card."""
        return DATA[self.name]

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """Return size and settings by the profile's name."""
        return PROFILES

    def build(self, side: int, width: int, seed: int) -> ScoreTask:
        """Make the task for images of `side` and a network of `width`."""
        return ScoreTask(self.name, side, width, seed)


TASKS = {name: Score(name) for name in DISTRIBUTIONS}
