"""The score networks: denoising score matching on heads that are made as they are needed."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mrilab.csgm.denoiser import Denoiser, Weight, denoising_loss
from mrilab.csgm.levels import largest_distance
from mrilab.data.slices import brain_slices
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.training.feed import Batch, part_generator
from mrilab.training.own import OwnFolders
from mrilab.training.settings import Profile, Settings
from mrilab.training.tasks import Trainable

SIGMA_MIN = 0.0066  # smallest noise level, that of Jalal et al. (NeurIPS 2021); images have the 0.99 quantile 1
# The sampler starts at about 1.2, so most of the training goes to the noise below. The rest keeps the denoiser right up
# to sigma_max, from where images can be drawn without data.
SIGMA_START = 1.2  # noise level that divides the two ranges
BELOW_START = 0.85  # share of the training below it, our choice
SEEN = 64  # number of training slices from which the range of noise is taken
VALIDATION = 32  # number of validation slices, each at a noise level of its own
SHOWN = 8  # number of validation slices in the picture
PROFILES = {
    "smoke": Profile(32, 8, Settings(20, batch=4, warmup=5, log_every=5, validate_every=10)),
    "teach": Profile(128, 32, Settings(7_000, batch=4)),
    "full": Profile(128, 32, Settings(100_000, batch=64, parts=8, warmup=1_000, ema=0.9995, validate_every=2_000)),
}


class ScoreTask:
    """A score network at one size: the network, its data and its loss, for `fit`."""

    weight: Weight = "karras"  # of the loss

    def __init__(
        self,
        name: str,
        distribution: str,
        contrast: str | None,
        side: int,
        width: int,
        seed: int = 0,
        own: OwnFolders | None = None,
    ):
        self.distribution, self.contrast, self.shape = distribution, contrast, (side, side)
        self.own = None if own is None else own.pool(side, "images")
        cpu = torch.device("cpu")
        images = self._slices(SEEN, torch.Generator().manual_seed(seed), "train", cpu)
        # rounded, so that another machine that resumes the run computes the same numbers
        self.sigma_max = round(largest_distance(images), 1)
        self.sigma_data = round(torch.view_as_real(images).std().item(), 3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Denoiser(width, self.sigma_data)
        self.network: nn.Module = network
        self.config = {"name": name, "side": side, "sigma_max": self.sigma_max, "network": network.config}
        self.config |= self._levels()
        if self.own is not None:
            self.config["own"] = self.own.facts
        generator = part_generator(seed, 0, 0)
        clean = self._slices(VALIDATION, generator, "val", cpu)
        sigma = self._sigma((torch.arange(VALIDATION) + 0.5) / VALIDATION)
        self._fixed = clean, sigma, complex_noise(clean.shape, generator)

    def _levels(self) -> dict[str, Any]:
        """Return what a card says of the noise levels in training, beside the largest one."""
        return {"sigma_min": SIGMA_MIN, "sigma_start": SIGMA_START, "below_start": BELOW_START}

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` clean images (n, H, W), their noise levels sigma (n,), and unit noise (n, H, W)."""
        clean = self._slices(n, generator, "train", device)
        sigma = self._sigma(torch.rand(n, generator=generator))
        return clean, sigma.to(device), complex_noise(clean.shape, generator).to(device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of denoising score matching, (5) with the weight (6) or that of `weight`."""
        return denoising_loss(network, batch, self.sigma_data, self.weight)

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss over evenly spread quantiles of sigma, and magnitudes: clean above noisy above denoised."""
        device = next(network.parameters()).device
        clean, sigma, noise = (tensor.to(device) for tensor in self._fixed)
        noisy = clean + sigma[:, None, None] * noise
        rows = torch.stack([clean, noisy, network(noisy, sigma)]).abs()[:, :: VALIDATION // SHOWN]  # (3, SHOWN, H, W)
        picture = rows.transpose(1, 2).flatten(2).flatten(0, 1)  # (3 H, SHOWN W)
        return self.loss(network, (clean, sigma, noise)).item(), picture.clamp(0, 1)

    def _slices(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Tensor:
        if self.own is not None:
            return self.own.images(n, generator, split, device)
        images = brain_slices(n, self.shape, self.distribution, self.contrast, split, generator, device)
        return images / quantile_scale(images)

    def _sigma(self, u: Tensor) -> Tensor:
        """Return the quantile `u` of the training's noise: log-uniform below SIGMA_START, and log-uniform above it."""
        below = SIGMA_MIN * (SIGMA_START / SIGMA_MIN) ** (u / BELOW_START)
        above = SIGMA_START * (self.sigma_max / SIGMA_START) ** ((u - BELOW_START) / (1 - BELOW_START))
        return torch.where(u < BELOW_START, below, above)


CLINICAL = "clinical T2-weighted axial heads of mrilab.data.brain_slices, split train (one averaged template)"
RANDOMISED = "randomised heads of mrilab.data.brain_slices, split train (one averaged template)"
TASKS = {
    "score-t2": Trainable(partial(ScoreTask, "score-t2", "clinical", "t2"), CLINICAL, PROFILES, "scans"),
    "score-heads": Trainable(partial(ScoreTask, "score-heads", "randomised", None), RANDOMISED, PROFILES, "scans"),
}
