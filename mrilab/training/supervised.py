"""Unrolled networks learn the reference images of acquisitions: what all such tasks share."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mrilab.data.scans import Scan
from mrilab.nets.trajectory import Trajectory
from mrilab.physics.coils import mvue
from mrilab.physics.protocol import Acquisition
from mrilab.training.feed import Batch, part_generator
from mrilab.training.own import OwnPool

VALIDATION = 8  # number of fixed scans
SHOWN = 4  # number of fixed scans in the picture


class Supervised(ABC):
    """A network, its acquisitions and its loss, for `fit`. A paper says which.

    A batch holds the fields of an `Acquisition`, none of which is None, and may hold more tensors after them.
    """

    network: nn.Module
    config: dict[str, Any]
    own: OwnPool | None = None  # of the user's scans, where they are learned from

    def __init__(self, build: Callable[[], nn.Module], seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = build()
        self._fixed = self.examples(VALIDATION, part_generator(seed, 0, 0), "val", torch.device("cpu"))

    @abstractmethod
    def examples(self, n: int, generator: torch.Generator, split: str, device: torch.device) -> Batch:
        """Draw `n` acquisitions of a split."""

    def batch(self, scan: Acquisition, generator: torch.Generator) -> Batch:
        """Return one complete scan as `examples` would, where it takes more than the scan drawn by `generator`."""
        return batch_of(scan.batch())

    def own_scans(self) -> dict[str, list[Scan]]:
        """Return up to VALIDATION of the user's held-out slices, by a name for a card. There may be none."""
        return {} if self.own is None else {"own": self.own.validation_scans(VALIDATION)}

    @abstractmethod
    def validation_loss(self, states: Tensor, clean: Tensor) -> Tensor:
        """Return the loss of states (K + 1, n, H, W) by which networks are compared, a scalar."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss that is trained, a scalar: that of the validation, where a task has no other."""
        return self.validation_loss(self.run(network, batch).states, acquisition(batch).target)

    def run(self, network: nn.Module, batch: Batch) -> Trajectory:
        """Return what the network makes of a batch."""
        return network(acquisition(batch))

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` training examples."""
        return self.examples(n, generator, "train", device)

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss over the fixed scans, and magnitudes: reference above zero-filled above reconstructed."""
        device = next(network.parameters()).device
        losses, columns = [], list[Tensor]()
        for fields in zip(*self._fixed, strict=True):  # one by one: no more memory than in training
            batch = tuple(field[None].to(device) for field in fields)
            path, scan = self.run(network, batch), acquisition(batch)
            losses.append(self.validation_loss(path.states, scan.target).item())
            if len(columns) < SHOWN:
                rows = torch.cat([scan.target, mvue(scan.kspace, scan.coil_maps), path.image]).abs()  # (3, H, W)
                columns.append(rows.flatten(0, 1) / scan.target.abs().max())  # (3 H, W)
        return sum(losses) / len(losses), torch.cat(columns, -1).clamp(0, 1)  # (3 H, SHOWN W)


def batch_of(scans: Acquisition, *more: Tensor) -> Batch:
    """Return the fields of complete acquisitions, and `more` behind them, as a batch."""
    return tuple(field for field in (*scans, *more) if field is not None)


def acquisition(batch: Batch) -> Acquisition:
    """Return the acquisitions of a batch."""
    return Acquisition(*batch[: len(Acquisition._fields)])
