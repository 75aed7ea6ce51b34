"""The trained models of the experiments: each stage in a folder of build/training/infomri, where it resumes."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from mrilab.infomri.study import FOLDER, finished, trained
from mrilab.infomri.tasks.scans import MassScans
from mrilab.infomri.tasks.stages import find_stage
from mrilab.infomri.tasks.train import SETTINGS, task_of
from mrilab.training.engine import FOLLOWED, LOG


@lru_cache(maxsize=2)
def trained_stage(name: str, seed: int) -> Any:
    """Return the network at the end of a stage. What it begins with is trained first."""
    stage = find_stage(name)
    starts = None if stage.start is None else trained_stage(stage.start, _seed_of(stage.start, seed))
    lends = None if stage.pattern is None else trained_stage(stage.pattern, seed)
    image = None if stage.image is None else trained(stage.image, seed)
    settings = replace(SETTINGS, steps=stage.steps, seed=seed)
    elsewhere: dict[str, Any] = {}
    if stage.recipe is not None:
        elsewhere = {"side": stage.recipe.shape[0], "source": MassScans(stage.recipe)}
        settings = replace(settings, batch=4, learning_rate=1e-3)
    task = task_of(stage, seed=seed, starts=starts, lends=lends, image=image, **elsewhere)
    return finished(task, settings, folder(name, seed))


def folder(name: str, seed: int) -> str:
    """Return the name of the folder in which a stage is trained."""
    return f"tasks-{name}-{seed}"


def minutes(name: str, seed: int) -> float:
    """Return how long a model was trained, all stages that it begins with included."""
    stage = find_stage(name)
    own = float(pd.read_csv(FOLDER / folder(name, seed) / LOG)["seconds"].iloc[-1]) / 60
    return own + (0.0 if stage.start is None else minutes(stage.start, _seed_of(stage.start, seed)))


def history(name: str, seed: int) -> pd.DataFrame:
    """Return what a stage was followed by, a row every 500 steps."""
    trained_stage(name, seed)
    return pd.read_csv(FOLDER / folder(name, seed) / FOLLOWED)


def _seed_of(start: str, seed: int) -> int:
    return 0 if start == "linet-codes" else seed  # the codes of answers are the same for all
