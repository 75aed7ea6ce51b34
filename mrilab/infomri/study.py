"""The trained models of the experiments: shipped, or trained in build/training/infomri, where a stopped run resumes."""

from dataclasses import replace
from functools import lru_cache

import torch

from mrilab.infomri.model import InfoMRI
from mrilab.infomri.models import Model, find_model
from mrilab.infomri.train import SETTINGS, ImageTask
from mrilab.machine import multiplies_bfloat16
from mrilab.paths import BUILD
from mrilab.training.checkpoints import checkpoint_names, load_checkpoint
from mrilab.training.engine import STATE, fit

FOLDER = BUILD / "training" / "infomri"


@lru_cache(maxsize=2)
def trained(name: str, seed: int) -> InfoMRI:
    """Return the model of this name: the checkpoint that ships, for seed 0, or the end of a training here."""
    if seed == 0 and f"infomri-{name}" in checkpoint_names():
        network, _ = load_checkpoint(f"infomri-{name}")
        assert isinstance(network, InfoMRI)
        return network
    return train(find_model(name), f"{name}-{seed}", seed)


def train(model: Model, folder: str, seed: int) -> InfoMRI:
    """Train a model, or resume its training, and return it."""
    precision = "bf16-mixed" if multiplies_bfloat16(torch.device("cpu")) else "auto"
    width = 12 if model.backbone["by"] == "unet" else 16
    task = ImageTask(model, width=width, seed=seed)
    run = FOLDER / folder
    settings = replace(SETTINGS, steps=model.steps, seed=seed, precision=precision)
    outcome = fit(task, settings, run, resume=(run / STATE).exists(), progress=False)
    if outcome.stopped_by:
        raise KeyboardInterrupt  # the row is not written, and the next run resumes from the state
    assert isinstance(outcome.network, InfoMRI)
    return outcome.network.eval().requires_grad_(False)
