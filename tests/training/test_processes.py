"""Which processes start: on this machine, under SLURM, or none, with a sentence that says why."""

import os
import subprocess
import sys

import pytest
from training_resume import assert_same_state
from training_toy import Toy, settings

from mrilab.errors import UserError
from mrilab.paths import ROOT
from mrilab.training import processes
from mrilab.training.engine import fit
from mrilab.training.processes import local_processes, slurm_processes, slurm_tasks

STEP = {"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_NNODES": "1"}
STEP |= {"SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "train", "SLURM_NODELIST": "127.0.0.1"}


@pytest.fixture
def slurm(monkeypatch):
    """A function that puts a job step into the environment; None removes a variable."""

    def put(**changes):
        monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "")  # so that what the code sets goes away again
        monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
        for name, value in {**STEP, **changes}.items():
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)

    return put


def with_gpus(monkeypatch, count):
    monkeypatch.setattr(processes.torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(processes.torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(("gpus", "parts", "expected"), [(0, 8, 1), (1, 8, 1), (4, 8, 4), (8, 2, 2), (3, 8, 2)])
def test_auto_takes_every_gpu_that_the_parts_of_a_batch_can_be_shared_by(gpus, parts, expected, monkeypatch):
    with_gpus(monkeypatch, gpus)
    assert local_processes("auto", parts) == expected


@pytest.mark.parametrize(
    ("devices", "gpus", "sentence"),
    [
        ("many", 0, "takes auto or a whole number from 1 on, not 'many'"),
        ("0", 0, "takes auto or a whole number"),
        ("4", 2, "there are 2 GPUs here, not 4"),
        ("3", 0, "2 parts of a batch cannot be shared evenly by 3 processes"),
    ],
)
def test_devices_that_cannot_be_are_told_in_a_sentence(devices, gpus, sentence, monkeypatch):
    with_gpus(monkeypatch, gpus)
    with pytest.raises(UserError, match=sentence):
        local_processes(devices, 2)


def test_tasks_of_slurm_are_counted_but_not_in_an_interactive_shell(slurm):
    slurm()
    assert slurm_tasks() == 2 and slurm_processes(None) == (2, 1) and slurm_processes(2) == (2, 1)
    slurm(SLURM_JOB_NAME="bash")
    assert slurm_tasks() == 1
    slurm(SLURM_NTASKS=None)
    assert slurm_tasks() == 1


@pytest.mark.parametrize(
    ("changes", "gpus", "sentence"),
    [
        ({"SLURM_STEP_ID": None}, None, "has 2 tasks, but this process is none of them; write `srun mrilab train"),
        ({"SLURM_LOCALID": None}, None, "does not say SLURM_LOCALID"),
        ({"SLURM_NTASKS": "3", "SLURM_NNODES": "2"}, None, "3 tasks on 2 nodes, but 1 on each"),
        ({"SLURM_NTASKS_PER_NODE": "4"}, None, "2 tasks on 1 nodes, but 4 on each"),
        ({}, 1, "each sees 1 GPUs; ask for --gres=gpu:2"),
    ],
)
def test_a_set_up_of_slurm_that_contradicts_itself_is_told_in_a_sentence(changes, gpus, sentence, slurm):
    slurm(**changes)
    with pytest.raises(UserError, match=sentence):
        slurm_processes(gpus)


def toy(folder, *options, **environment):
    """Start the training of the toy in a process of its own."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, str(ROOT / "tests" / "training_toy.py"), str(folder), "12", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=ROOT, text=True, stdout=pipe, stderr=pipe)


def finished(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


@pytest.mark.slow
def test_two_devices_and_two_tasks_of_slurm_train_as_one_process_does(tmp_path):
    """They share the same batches: only the order of sums differs, 12 steps on."""
    fit(Toy(), settings(12), tmp_path / "one", progress=False)
    assert finished(toy(tmp_path / "two", "--devices", "2")).startswith("12 ")  # one of them speaks
    port = str(23_000 + os.getpid() % 10_000)
    ranks = [
        toy(tmp_path / "tasks", **STEP | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank, "MASTER_PORT": port})
        for rank in ("0", "1")
    ]
    assert [finished(process)[:3] for process in ranks] == ["12 ", ""]
    assert_same_state(tmp_path / "one", tmp_path / "two", atol=1e-5)
    assert_same_state(tmp_path / "one", tmp_path / "tasks", atol=1e-5)
