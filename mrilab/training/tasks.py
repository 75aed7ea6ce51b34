"""What `mrilab train` can train, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mrilab.baselines import train as unrolled
from mrilab.csgm import train as score
from mrilab.errors import UserError
from mrilab.flat import train as flat
from mrilab.training.engine import Profile, Task


@dataclass(frozen=True)
class Trainable:
    """`build(name, side, width, seed)` makes the task; `data` is what the card says that it learns from."""

    build: Callable[[str, int, int, int], Task]
    data: str
    profiles: Mapping[str, Profile]


TASKS = {name: Trainable(score.ScoreTask, data, score.PROFILES) for name, data in score.DATA.items()}
TASKS |= {
    name: Trainable(unrolled.UnrolledTask, data, unrolled.PROFILES[unrolled.kind(name)])
    for name, data in unrolled.DATA.items()
}
TASKS |= {name: Trainable(flat.FlatTask, data, flat.profiles(name)) for name, data in flat.DATA.items()}


def find_task(name: str, profile: str) -> tuple[Trainable, Profile]:
    """Raises UserError with the names that there are."""
    if name not in TASKS:
        raise UserError(f"there is nothing to train by the name {name!r}; choose one of {', '.join(TASKS)}")
    profiles = TASKS[name].profiles
    if profile not in profiles:
        raise UserError(f"there is no profile {profile!r}; choose one of {', '.join(profiles)}")
    return TASKS[name], profiles[profile]
