"""What `mrilab train` can train, by name. Each paper's train.py has its own `TASKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mrilab import papers
from mrilab.errors import UserError
from mrilab.training.engine import Profile, Task


@dataclass(frozen=True)
class Trainable:
    """`build(name, side, width, seed)` makes the task; `data` is what the card says that it learns from."""

    build: Callable[[str, int, int, int], Task]
    data: str
    profiles: Mapping[str, Profile]


def tasks() -> dict[str, Trainable]:
    """Return what all papers can train, by name."""
    return {name: trainable for module in papers.modules("train") for name, trainable in module.TASKS.items()}


def find_task(name: str, profile: str) -> tuple[Trainable, Profile]:
    """Return the task of this name and its profile. Raises UserError with the names that there are."""
    known = tasks()
    if name not in known:
        raise UserError(f"there is nothing to train by the name {name!r}; choose one of {', '.join(known)}")
    profiles = known[name].profiles
    if profile not in profiles:
        raise UserError(f"there is no profile {profile!r}; choose one of {', '.join(profiles)}")
    return known[name], profiles[profile]
