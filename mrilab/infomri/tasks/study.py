"""The trained models of the experiments: shipped, or trained in build/training/infomri, where a stopped run resumes."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from mrilab.infomri.study import FOLDER, finished, trained
from mrilab.infomri.tasks.stages import find_stage
from mrilab.infomri.tasks.train import SETTINGS, task_of
from mrilab.infomri.tasks.trainable import SHIPPED
from mrilab.training.checkpoints import checkpoint_names, load_checkpoint
from mrilab.training.engine import FOLLOWED, LOG


@lru_cache(maxsize=2)
def trained_stage(name: str, seed: int) -> Any:
    """Return the checkpoint that ships, for seed 0, or the network at the end of a stage.

    What it begins with is trained first.
    """
    if _ships(name, seed):
        return load_checkpoint(SHIPPED[name])[0]
    stage = find_stage(name)
    starts = None if stage.start is None else trained_stage(stage.start, _seed_of(stage.start, seed))
    lends = None if stage.pattern is None else trained_stage(stage.pattern, seed)
    image = None if stage.image is None else trained(stage.image, seed)
    task = task_of(stage, seed=seed, starts=starts, lends=lends, image=image)
    return finished(task, replace(SETTINGS, steps=stage.steps, seed=seed), folder(name, seed))


def folder(name: str, seed: int) -> str:
    """Return the name of the folder in which a stage is trained."""
    return f"tasks-{name}-{seed}"


def minutes(name: str, seed: int) -> float:
    """Return how long a model was trained, all stages that it begins with included."""
    if _ships(name, seed):
        card = load_checkpoint(SHIPPED[name])[1]
        return float(sum(run["minutes"] for run in (card, *card["earlier"])))
    stage = find_stage(name)
    own = float(pd.read_csv(FOLDER / folder(name, seed) / LOG)["seconds"].iloc[-1]) / 60
    return own + (0.0 if stage.start is None else minutes(stage.start, _seed_of(stage.start, seed)))


def history(name: str, seed: int) -> pd.DataFrame:
    """Return what a stage was followed by, a row every 500 steps."""
    trained_stage(name, seed)
    return pd.read_csv(FOLDER / folder(name, seed) / FOLLOWED)


def _ships(name: str, seed: int) -> bool:
    return seed == 0 and SHIPPED.get(name) in checkpoint_names()


def _seed_of(start: str, seed: int) -> int:
    return 0 if start == "linet-codes" else seed  # the codes of answers are the same for all
