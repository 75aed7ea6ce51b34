"""The processes of a run: how they start, agree and are asked to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from torch import Tensor

from mrilab.errors import UserError

PRECISIONS = ("auto", "32-true", "bf16-mixed")


def launch(precision: str = "auto") -> Fabric:
    """All devices that torchrun gives, by the variables that it sets; one without it.

    Raises:
        UserError: `precision` is none of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UserError(f"there is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    gpu = torch.cuda.is_available()
    several = int(os.environ.get("WORLD_SIZE", 1)) > 1
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        strategy="ddp" if several else "auto",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", 1)),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", 1)),
        precision=precision if precision != "auto" else "bf16-mixed" if gpu else "32-true",
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
    """Names of the signals that ask to stop, as they come; a second one of a kind acts as it always does."""
    received: list[str] = []
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield received
        return

    def note(number, _frame):
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
