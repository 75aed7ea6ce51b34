"""The trained models of the experiments: shipped, or trained in build/training/infomri, where a stopped run resumes."""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import nn

from mrilab.infomri.images import SIZES
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.models import Model, find_model
from mrilab.infomri.train import SETTINGS, TASKS, ImageTask
from mrilab.machine import multiplies_bfloat16
from mrilab.paths import BUILD
from mrilab.training.checkpoints import checkpoint_names, load_checkpoint
from mrilab.training.engine import STATE, fit
from mrilab.training.protocols import Task
from mrilab.training.settings import Settings

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
    """Train a model, or resume its training, and return it. What it starts from is trained first."""
    lender: nn.Module | None = None
    if model.start == "denoiser":
        profile = TASKS["infomri-denoiser"].profiles["teach"]
        lender = finished(TASKS["infomri-denoiser"].build(profile.side, profile.width, 0), profile.settings, "denoiser")
    elif model.start is not None:
        lender = trained(model.start, 0)
    width = 16 if model.backbone["by"] == "unrolled" else 12
    pool = SIZES["train"] if model.recipe is None else None
    task = ImageTask(model, width=width, pool=pool, seed=seed, lender=lender)
    settings = replace(SETTINGS, steps=model.steps, parts=1, seed=seed)  # one process has no use for parts
    network = finished(task, settings, folder)
    assert isinstance(network, InfoMRI)
    return network


def finished(task: Task, settings: Settings, folder: str) -> nn.Module:
    """Return the network at the end of its training, which begins or goes on in a folder."""
    precision = "bf16-mixed" if multiplies_bfloat16(torch.device("cpu")) else "auto"
    run = FOLDER / folder
    outcome = fit(task, replace(settings, precision=precision), run, resume=(run / STATE).exists(), progress=False)
    if outcome.stopped_by:
        raise KeyboardInterrupt  # the row is not written, and the next run resumes from the state
    return outcome.network.eval().requires_grad_(False)
