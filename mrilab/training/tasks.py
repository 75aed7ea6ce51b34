"""What `mrilab train` can train, by name. Each paper's train.py has its own `TASKS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mrilab import papers
from mrilab.errors import UserError
from mrilab.training.protocols import Task
from mrilab.training.settings import Profile


@dataclass(frozen=True)
class Trainable:
    """A task before it has a size.

    build: (side, width, seed=0) -> the task for images of `side` and a network of `width`.
    data: what the network learns from, for its card.
    profiles: size and settings by the profile's name: smoke, teach and full.
    own: what of the user's own `build` also takes in place of simulated images: "pictures" are `images`, magnitudes
        (n, H, W), and "scans" are `own`, `mrilab.training.own.OwnFolders`; "" is neither.
    """

    build: Callable[..., Task]
    data: str
    profiles: Mapping[str, Profile]
    own: Literal["", "pictures", "scans"] = ""


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
