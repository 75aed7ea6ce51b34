"""What `mrilab train` can train of the models for segmentation: those that ship, in two and in three runs.

    mrilab train infomri-answers-start
    mrilab train infomri-answers --start infomri-answers-start

    mrilab train infomri-masses-start
    mrilab train infomri-masses-start --start infomri-masses-start --seed 1 --save-as infomri-masses-again
    mrilab train infomri-masses --start infomri-masses-again

A run goes on with the weights of the one before, whose two files lie in data/checkpoints by then.
"""

from dataclasses import replace
from functools import partial

from mrilab.infomri.images import SIDE
from mrilab.infomri.tasks.scans import SIZES, MassScans
from mrilab.infomri.tasks.stages import Stage, find_stage
from mrilab.infomri.tasks.train import SETTINGS, StageTask, task_of
from mrilab.training.checkpoints import load_checkpoint
from mrilab.training.settings import Profile
from mrilab.training.tasks import Trainable

SHIPPED = {"infomri": "infomri-answers", "scans": "infomri-masses"}  # checkpoints by the name of their stage
STARTS = {"infomri-start": "infomri-answers-start", "scans-start": "infomri-masses-start"}
FEW = 32  # heads of a smoke run
SIMULATED = "with masses, six raters and eight coils of mrilab.data.pool.mass_scan_pool, split train"


def _profiles(stage: Stage) -> dict[str, Profile]:
    side = SIDE if stage.recipe is None else stage.recipe.shape[0]
    teach = replace(SETTINGS, steps=stage.steps, parts=2)  # for two cores, or two devices
    smoke = replace(teach, steps=10, batch=2, warmup=2, log_every=5, validate_every=5)
    full = replace(SETTINGS, steps=50_000, batch=64, parts=8, learning_rate=1e-3, warmup=1_000, validate_every=2_000)
    return {"smoke": Profile(side, 4, smoke), "teach": Profile(side, 16, teach), "full": Profile(side, 32, full)}


def _data(stage: Stage) -> str:
    if stage.recipe is None:
        return "magnitudes of T2-weighted heads with masses and six raters of mrilab.data.pool.mass_pool, split train"
    return f"{'T2-weighted heads' if stage.recipe.contrast else 'heads of any clinical contrast'} {SIMULATED}"


def _build(name: str, checkpoint: str, side: int, width: int, seed: int = 0) -> StageTask:
    stage = find_stage(name)
    pool = FEW if width == 4 else SIZES["train"]
    image = None if stage.image is None else load_checkpoint(f"infomri-{stage.image}")[0]
    if stage.recipe is None:
        return task_of(stage, side=side, width=width, pool=pool, seed=seed, image=image, name=checkpoint)
    scans = MassScans(stage.recipe, FEW) if width == 4 else MassScans(stage.recipe)
    return task_of(stage, side=side, width=width, seed=seed, image=image, source=scans, name=checkpoint)


TASKS = {
    checkpoint: Trainable(partial(_build, name, checkpoint), _data(find_stage(name)), _profiles(find_stage(name)))
    for name, checkpoint in (STARTS | SHIPPED).items()
}
