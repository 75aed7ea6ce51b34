"""Twenty steps of training on the device: stopped and resumed, they end where a run ends that was not stopped.

On a CPU that is so to the last bit. On a GPU kernels that add in any order (torch names them when they meet
`use_deterministic_algorithms`) make two runs differ, stopped or not; so does the resumed one, but by no more.
"""

import os
from dataclasses import replace

import pytest
import torch
from training_toy import Toy
from training_toy import settings as toy_settings

from mrilab.training.engine import fit
from mrilab.training.tasks import find_task

STEPS, STOP = 20, 11
NAMES = ("toy", "score-t2", "modl-t2", "varnet-t2", "ista-t2", "flat-derived-t2", "flat-free-t2", "flat-sampler-single")
SAME, MORE = 1e-6, 3.0  # relative rounding that is no difference; how much more than two whole runs may differ


class Killed(Exception):
    """What stops a run between two steps here, as a kill does."""


@pytest.fixture(autouse=True)
def deterministic(device, monkeypatch):
    if device.type == "cpu":  # a run takes a GPU where there is one
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def run(name, folder, stop=None, resume=False):
    """The averaged weights of a run as one vector; and those that it began with."""
    if name == "toy":
        task, settings = Toy(), toy_settings(STEPS)
    else:
        trainable, profile = find_task(name, "smoke")
        task = trainable.build(profile.side, profile.width, 0)
        settings = replace(profile.settings, steps=STEPS)
    first = weights(task.network)
    calls, loss = 0, task.loss

    def counted(network, batch):
        nonlocal calls
        calls += 1
        if calls == stop:
            raise Killed
        return loss(network, batch)

    task.loss = counted
    outcome = fit(task, settings, folder, resume=resume, checkpoint_seconds=0, progress=False)
    assert outcome.step == STEPS
    return weights(outcome.network), first


def weights(network):
    return torch.cat([parameter.detach().double().cpu().flatten() for parameter in network.parameters()])


@pytest.mark.filterwarnings("ignore:.*deterministic:UserWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.gpu(on_cpu=name == "toy"), id=name) for name in NAMES]
)
def test_stopped_and_resumed_equals_whole(name, device, tmp_path, record_property):
    whole, first = run(name, tmp_path / "whole")
    again, _ = run(name, tmp_path / "again")
    with pytest.raises(Killed):
        run(name, tmp_path / "stopped", stop=STOP)
    resumed, _ = run(name, tmp_path / "stopped", resume=True)

    way = torch.linalg.vector_norm(whole - first)
    assert way > 0
    between = float(torch.linalg.vector_norm(again - whole) / way)
    difference = float(torch.linalg.vector_norm(resumed - whole) / way)
    tolerance = max(SAME, MORE * between)
    kind = "bfloat16" if device.type == "cuda" else "float32"  # what `fit` takes by itself
    record_property("difference", (f"{name}: two whole runs", kind, between, 1.0))
    record_property("difference", (f"{name}: stopped and resumed", kind, difference, tolerance))
    assert difference <= tolerance
