"""How the processes of a run start, agree and are asked to stop."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from torch import Tensor

from mrilab.errors import UserError


def launch(precision: str, devices: str = "1", parts: int = 1) -> Fabric:
    """Start on the devices that torchrun or SLURM give, or without them on `devices`, "auto" or a number.

    A process is started for each of them beyond the first, with the command line of this one. "auto" takes as many GPUs
    as there are and as the `parts` of a batch can be shared by, and without a GPU a single process.

    Raises:
        UserError: `precision` or `devices` is none of these, parts that cannot be shared, or variables of SLURM that
            contradict each other.
    """
    gpu = torch.cuda.is_available()
    kinds: dict[str, Literal["32-true", "bf16-mixed"]] = {"auto": "bf16-mixed" if gpu else "32-true"}
    kinds |= {"32-true": "32-true", "bf16-mixed": "bf16-mixed"}
    if precision not in kinds:
        raise UserError(f"there is no precision {precision!r}; choose one of {', '.join(kinds)}")
    environment: ClusterEnvironment
    if TorchElasticEnvironment.detect():
        environment = TorchElasticEnvironment()
        processes, nodes = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"])
    elif slurm_tasks() > 1:
        processes, nodes = slurm_processes(torch.cuda.device_count() if gpu else None)
        environment = SLURMEnvironment()
    else:
        environment, processes, nodes = LightningEnvironment(), local_processes(devices, parts), 1
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        strategy="ddp" if processes * nodes > 1 else "auto",
        devices=processes,
        num_nodes=nodes,
        precision=kinds[precision],
        plugins=environment,
    )
    fabric.launch()
    return fabric


def local_processes(devices: str, parts: int) -> int:
    """Return how many processes "auto" or a number of `devices` means on this machine.

    Raises:
        UserError: another text, more than there are GPUs, or a number that does not divide `parts`.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if devices == "auto":
        return max(n for n in range(1, max(1, gpus) + 1) if parts % n == 0)
    if not devices.isdecimal() or int(devices) < 1:
        raise UserError(f"--devices takes auto or a whole number from 1 on, not {devices!r}")
    if gpus and int(devices) > gpus:
        raise UserError(f"there are {gpus} GPUs here, not {devices}; give --devices {gpus} or auto")
    if parts % int(devices):
        raise UserError(
            f"the {parts} parts of a batch cannot be shared evenly by {devices} processes; give a number of --devices "
            "that divides them"
        )
    return int(devices)


def slurm_tasks() -> int:
    """Return the number of tasks of the SLURM job step, 1 without SLURM and in an interactive shell."""
    if os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
        return 1
    tasks = os.environ.get("SLURM_NTASKS", "1")
    return int(tasks) if tasks.isdecimal() else 1


def slurm_processes(gpus: int | None) -> tuple[int, int]:
    """Return the tasks on each node and the number of nodes. `gpus` is how many this task sees; None on CPUs.

    Raises:
        UserError: variables of SLURM that contradict each other, or tasks that do not see a GPU each.
    """
    tasks = slurm_tasks()
    if not {"SLURM_STEP_ID", "SLURM_STEPID"} & {*os.environ}:
        raise UserError(
            f"the SLURM job has {tasks} tasks, but this process is none of them; write `srun mrilab train ...`, or ask "
            "for --ntasks=1, which uses all GPUs of the node"
        )
    names = ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_NNODES")
    if absent := [name for name in names if not os.environ.get(name, "").isdecimal()]:
        raise UserError(f"SLURM does not say {', '.join(absent)}; start the tasks by `srun mrilab train ...`")
    nodes = int(os.environ["SLURM_NNODES"])
    each = os.environ.setdefault("SLURM_NTASKS_PER_NODE", str(tasks // nodes))  # Fabric asks for it
    if not each.isdecimal() or int(each) * nodes != tasks or int(os.environ["SLURM_LOCALID"]) >= int(each):
        raise UserError(
            f"SLURM has {tasks} tasks on {nodes} nodes, but {each} on each; ask for the same number on every node by "
            "--nodes and --ntasks-per-node"
        )
    if gpus is not None and gpus < int(each):
        raise UserError(
            f"{each} tasks run on a node, but each sees {gpus} GPUs; ask for --gres=gpu:{each} instead of "
            "--gpus-per-task, so that all see all"
        )
    return int(each), nodes


def agreed(fabric: Fabric, loss: Tensor, stop: bool, seconds: float) -> tuple[Tensor, bool, float]:
    """Return the loss of the whole batch, whether any process is to stop, and the seconds of the first process.

    All processes get the same answer, because all must leave at the same step.
    """
    loss = loss.detach().double()
    if fabric.world_size == 1:
        return loss, stop, seconds
    first = fabric.world_size * seconds if fabric.is_global_zero else 0.0  # The mean is taken over the processes.
    own = torch.stack([loss, torch.full_like(loss, stop), torch.full_like(loss, first)])  # (3,)
    loss, stops, seconds_of_first = fabric.all_reduce(own, reduce_op="mean")
    return loss, bool(stops > 0), float(seconds_of_first)


@contextmanager
def stop_requests() -> Iterator[list[str]]:
    """Collect the names of the signals that ask to stop. A second one of a kind acts as it always does."""
    received: list[str] = []
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield received
        return

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[signal.Signals(number)])

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
