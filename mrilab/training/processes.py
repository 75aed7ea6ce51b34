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
from torch import Tensor

from mrilab.errors import UserError


def launch(precision: str) -> Fabric:
    """Start on all devices that torchrun gives, by the variables that it sets, or on one device without it.

    Raises:
        UserError: `precision` is none of these.
    """
    gpu = torch.cuda.is_available()
    kinds: dict[str, Literal["32-true", "bf16-mixed"]] = {"auto": "bf16-mixed" if gpu else "32-true"}
    kinds |= {"32-true": "32-true", "bf16-mixed": "bf16-mixed"}
    if precision not in kinds:
        raise UserError(f"there is no precision {precision!r}; choose one of {', '.join(kinds)}")
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        strategy="ddp" if int(os.environ.get("WORLD_SIZE", 1)) > 1 else "auto",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", 1)),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", 1)),
        precision=kinds[precision],
    )
    fabric.launch()
    return fabric


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
