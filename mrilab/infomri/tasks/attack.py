"""Somebody who wants the image: networks that are trained to make it from samples meant for another purpose.

Privacy that holds against a weak attacker is none. So three of them try, on the frozen pattern, for STEPS steps. Each
is kept as it was best on validation images; longer trainings would make them stronger still. What counts is how far
they come above the mean image, which needs no samples.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn
from torch.nn.functional import mse_loss, pad

from mrilab.evaluation.metrics import psnr, ssim
from mrilab.infomri.unrolled import UnrolledPosterior
from mrilab.machine import multiplies_bfloat16
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel

PIXELS, RATE = 25_000, 2e-3  # of a batch, and the first learning rate
STEPS, ROUNDS = 1_500, 6  # of the training; how often validation looks


class Leak(NamedTuple):
    """Hold images x (n, 1, H, W), the samples y (n, 1, H, W) in their places, and the masks (n, H, W)."""

    x: Tensor
    y: Tensor
    masks: Tensor


class _Image(nn.Module):
    """An attacker who looks at the zero-filled image alone. The sides are filled up to multiples of 16."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, leak: Leak) -> Tensor:
        height, width = leak.x.shape[-2:]
        channels = real_channels(_model(leak).adjoint(leak.y))  # (n, 2, H, W)
        filled = pad(channels, (0, max(32, -(-width // 16) * 16) - width, 0, max(32, -(-height // 16) * 16) - height))
        return self.network(filled)[..., :height, :width]


class _Unrolled(nn.Module):
    """An attacker who knows the mask, and holds the image against the samples in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.network = UnrolledPosterior(1, 16, 5)

    def forward(self, leak: Leak) -> Tensor:
        return self.network(leak.y, _model(leak)).mean


def _model(leak: Leak) -> SenseModel:
    return SenseModel(torch.ones(1, *leak.x.shape[-2:], dtype=leak.y.dtype), leak.masks)


def _three_layers() -> nn.Module:
    return _Image(
        nn.Sequential(
            nn.Conv2d(2, 64, 9, padding=4),
            nn.ReLU(),
            nn.Conv2d(64, 32, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 1, 5, padding=2),
        )
    )


def _unet() -> nn.Module:
    return _Image(BasicUNet(2, 2, 1, (16, 16, 32, 64, 64, 16), norm=("group", {"num_groups": 1})))


ATTACKERS: dict[str, Callable[[], nn.Module]] = {"three layers": _three_layers, "U-Net": _unet, "unrolled": _Unrolled}
STRONGEST = "unrolled"
WEAKER = tuple(name for name in ATTACKERS if name != STRONGEST)


def train_attacker(name: str, train: Leak, validation: Leak, steps: int = STEPS) -> nn.Module:
    """Train an attacker of ATTACKERS with a rate that falls to 0. Return it as it was best on validation images."""
    torch.manual_seed(0)
    attacker = ATTACKERS[name]()
    optimizer = torch.optim.Adam(attacker.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(0)
    best, lowest = copy.deepcopy(attacker), float("inf")
    batch_size = PIXELS // train.x[0].numel()
    for step in range(1, steps + 1):
        index = torch.randint(len(train.x), (batch_size,), generator=generator)
        batch = Leak(*(each[index] for each in train))
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16(torch.device("cpu"))):
            made = attacker(batch)
        mse_loss(made.float(), batch.x).backward()
        optimizer.step()
        schedule.step()
        if step % (steps // ROUNDS) == 0:
            error = float(mse_loss(images(attacker, validation), validation.x))
            if error < lowest:
                best, lowest = copy.deepcopy(attacker), error
    return best


@torch.no_grad()
def images(attacker: nn.Module, leak: Leak) -> Tensor:
    """Return what an attacker makes of the samples, (n, 1, H, W)."""
    parts = zip(*(each.split(PIXELS // leak.x[0].numel()) for each in leak), strict=True)
    return torch.cat([attacker(Leak(*part)) for part in parts])


def exposure(made: Tensor, x: Tensor, mean: Tensor) -> dict[str, float]:
    """Return how much made images (n, 1, H, W) show of the true ones x.

    psnr, ssim: means over the images. above_mean: PSNR above that of the `mean` training image (H, W).
    recognised: the share of images that are nearer to what was made of them than any other of the same hundred.
    """
    pairs = list(zip(made[:, 0], x[:, 0], strict=True))
    found = {
        "psnr": sum(psnr(a, b) for a, b in pairs) / len(pairs),
        "ssim": sum(ssim(a, b) for a, b in pairs) / len(pairs),
    }
    found["above_mean"] = found["psnr"] - sum(psnr(mean, b) for _, b in pairs) / len(pairs)
    return found | {"recognised": recognised(made, x)}


def recognised(made: Tensor, x: Tensor, among: int = 100) -> float:
    """Return the share of made images to which the true one is the nearest of `among` candidates."""
    hits = [
        torch.cdist(a.flatten(1), b.flatten(1)).argmin(1) == torch.arange(len(a))
        for a, b in zip(made.split(among), x.split(among), strict=True)
        if len(a) == among
    ]
    return float(torch.cat(hits).float().mean())
