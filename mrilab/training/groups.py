"""Parts of a network that are trained at rates of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn


@dataclass(frozen=True)
class Group:
    """Parameters with a learning rate of their own, `rate` times that of the settings, whose gradient is clipped alone.

    `betas` are those of Adam for them.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)


@runtime_checkable
class Grouped(Protocol):
    """A task whose network has parts that are trained at rates of their own."""

    def groups(self, network: nn.Module) -> list[Group]:
        """Return disjoint groups. All other parameters form one more, with the rate of the settings."""


def groups_of(network: nn.Module, task: object) -> list[Group]:
    """Return the task's groups of parameters, after one of all parameters that are in none of them."""
    own = task.groups(network) if isinstance(task, Grouped) else []
    known = {parameter for group in own for parameter in group.parameters}
    rest = [parameter for parameter in network.parameters() if parameter not in known]
    return [group for group in (Group(rest), *own) if group.parameters]
