"""A task that trains in a second, for the tests of the engine; as a script, it runs under torchrun or is killed.

python tests/training_toy.py FOLDER STEPS [--minutes M] [--devices N] [--resume] [--send NAME --at STEP --rank RANK]
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
from pathlib import Path

import torch
from torch import nn

from mrilab.training.engine import fit
from mrilab.training.settings import Settings


class Toy:
    """A small convolutional network learns to blur. A signal can be sent to its own process at one step."""

    def __init__(self, signal_name: str | None = None, at: int = -1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.network = nn.Sequential(
                nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 1, 3, padding=1)
            ).to(memory_format=torch.channels_last)
        self.config = {"name": "toy"}
        self.signal_name, self.at, self.calls = signal_name, at, 0

    def part(self, n, generator, device):
        image = torch.randn(n, 1, 8, 8, generator=generator)
        return image.to(device), nn.functional.avg_pool2d(image, 3, 1, padding=1).to(device)

    def loss(self, network, batch):
        if self.signal_name and self.calls == self.at:
            os.kill(os.getpid(), signal.Signals[self.signal_name])
        self.calls += 1
        image, blurred = batch
        return (network(image) - blurred).square().mean()

    def validate(self, network):
        batch = self.part(4, torch.Generator().manual_seed(99), next(network.parameters()).device)
        return (network(batch[0]) - batch[1]).square().mean().item(), network(batch[0])[0, 0]


def settings(steps: int, **changes) -> Settings:
    chosen = {"batch": 8, "parts": 4, "learning_rate": 1e-2, "warmup": 3, "log_every": 1, "validate_every": 6}
    return Settings(steps, **{**chosen, **changes})


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of a log."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("steps", type=int)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--send")
    parser.add_argument("--at", type=int, default=-1)
    parser.add_argument("--rank", default="0")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--devices", default="1")
    given = parser.parse_args()
    mine = given.send if os.environ.get("RANK", "0") == given.rank else None
    outcome = fit(
        Toy(mine, given.at), settings(given.steps, minutes=given.minutes), given.folder,
        resume=given.resume, checkpoint_seconds=0, progress=False, devices=given.devices,
    )  # fmt: skip
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]  # of threads; none where not Linux
    assert not any("gloo" in name for name in names), names  # one that outlives the run may abort Python's end
    if outcome.main:
        print(outcome.step, outcome.seconds, outcome.validation_loss)
