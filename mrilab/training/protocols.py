"""What the training engine asks of a task, and what a task may offer beyond that."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from mrilab.training.feed import Batch


class Task(Protocol):
    """What is trained: a network, its data and its loss."""

    @property
    def network(self) -> nn.Module:
        """Return the network whose weights are trained."""

    @property
    def config(self) -> dict[str, Any]:
        """Return JSON values. A run resumes only under the same."""

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` training examples with the CPU `generator`. A background thread calls this."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean over the examples of a batch, a scalar."""

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss on fixed examples of the validation split, and a picture (H, W) between 0 and 1."""


@runtime_checkable
class Measured(Protocol):
    """A task that says more of the trained network than its loss."""

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return measures of the validation split by name, for the network's card."""


@runtime_checkable
class Followed(Protocol):
    """A task that says more of the network at every validation of its training, one row of followed.csv each."""

    followed: tuple[str, ...]

    def follow(self, network: nn.Module) -> dict[str, float]:
        """Return the values by the names in `followed`."""


@runtime_checkable
class Started(Protocol):
    """A task that has to prepare its network once it has the weights of another run."""

    def started(self) -> None:
        """Do so, before the first step."""
