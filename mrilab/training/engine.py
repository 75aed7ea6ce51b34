"""The training loop of all lessons: one process or many, stopped and resumed at will."""

import gc
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.image
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from mrilab.errors import UserError
from mrilab.training.feed import Batch, part_generator, prefetch
from mrilab.training.groups import groups_of
from mrilab.training.log import append_row, check_logger, open_board, start_log
from mrilab.training.processes import agreed, launch, stop_requests
from mrilab.training.protocols import Followed, Task
from mrilab.training.settings import Settings
from mrilab.training.state import read_state, restore_state, save_state

Weights = tuple[Tensor, ...] | list[Tensor]
STATE = "state.safetensors"
LOG, FOLLOWED = "log.csv", "followed.csv"


def fit(
    task: Task,
    settings: Settings,
    folder: Path,
    *,
    resume: bool = False,
    checkpoint_seconds: float = 300.0,
    progress: bool = True,
    clock: Callable[[], float] = time.perf_counter,
    devices: str = "1",
    logger: str = "csv",
) -> "Run":
    """Train `task` in `folder` (state, log, pictures) to the end of `settings`, or until SIGTERM or SIGINT.

    The end is the last of `settings.steps`, or the first step that is over after `settings.minutes` of training, all
    earlier parts of a resumed run included. With several `devices` (see `mrilab.training.processes.launch`), under
    torchrun and under SLURM, every process works on its share of the same global batches.
    GPUs compute in bf16 with float32 weights, CPUs in float32 unless `settings.precision` says otherwise. The state is
    saved every `checkpoint_seconds`, at the end and when stopped. `clock` counts seconds. With the `logger`
    "tensorboard" the rows of the log are written for TensorBoard, too.

    Raises:
        UserError: `folder` holds a run and `resume` is not asked for, or holds none or another one and it is;
            the parts cannot be shared evenly; the gradient is not finite any more; the folder cannot be written any
            more, and then its last state stays.
    """
    run = Run(task, settings, folder, resume, clock, progress, devices, logger)
    with kept(folder), run.bar, stop_requests() as requests, closing(run.batches()) as batches:
        for batch in batches:
            stop = run.advance(batch, requests)
            checked = run.step % settings.validate_every == 0 or run.finished
            if checked or run.step % settings.log_every == 0:
                run.log(checked)
            if stop or run.finished or clock() - run.saved_at >= checkpoint_seconds:
                run.save()
            if stop and not run.finished:
                run.stopped_by = requests[0] if requests else "another process"
            if stop or run.finished:
                break
        else:  # The run was resumed after its end.
            run.validate()
    run.close()
    return run


class Run:
    """One run in its folder. It is what `fit` returns.

    Attributes:
        network: has the averaged weights.
        step, seconds: how far the run is, all its parts included.
        stopped_by: the signal that stopped it before its end, or None.
        validation_loss: that of the last step, in the main process.
        devices, precision: on how many devices and in which arithmetic it runs.
        main: whether this process is the one of them that writes.
    """

    def __init__(
        self,
        task: Task,
        settings: Settings,
        folder: Path,
        resume: bool,
        clock: Callable[[], float],
        progress: bool,
        devices: str,
        logger: str,
    ):
        self.task, self.settings, self.folder, self.clock = task, settings, folder, clock
        # before other processes start, so that one sentence tells a mistake
        if (folder / STATE).exists() and not resume:
            raise UserError(f"{folder} holds a run already; add --resume to go on or choose another folder with --out")
        described = {key: value for key, value in asdict(settings).items() if value is not None}
        self.described = {"task": task.config, "settings": described}
        notes: dict[str, Any] = {"step": 0, "seconds": 0.0, "loss_total": 0.0, "loss_count": 0}
        if resume:
            tensors, notes = read_state(folder / STATE)
            if notes.get("described") != self.described:
                raise UserError(f"the run in {folder} has other settings; resume with the same ones or start a new run")
        check_logger(logger)
        self.fabric = launch(settings.precision, devices, settings.parts)
        self.main, self.devices = self.fabric.is_global_zero, self.fabric.world_size
        self.precision = self.fabric.strategy.precision.precision
        if settings.batch % settings.parts or settings.parts % self.devices:
            raise UserError(
                f"a batch of {settings.batch} in {settings.parts} parts cannot be shared evenly by "
                f"{self.devices} processes; start as many as divide the number of parts"
            )
        self.ema = AveragedModel(task.network, multi_avg_fn=_average(settings.ema)).to(self.fabric.device)
        self.network = self.ema.module
        self.groups = groups_of(task.network, task)
        named = [{"params": [*group.parameters], "betas": group.betas} for group in self.groups]
        self.optimizer = torch.optim.Adam(named, lr=settings.learning_rate)
        self.model, self.wrapped = self.fabric.setup(task.network, self.optimizer)
        if resume:
            restore_state(tensors, task.network, self.ema, self.optimizer)
        self.step, self.seconds, self.loss_count = notes["step"], notes["seconds"], notes["loss_count"]
        self.loss_total = torch.tensor(notes["loss_total"], dtype=torch.float64, device=self.fabric.device)
        self.stopped_by: str | None = None
        self.validation_loss = math.nan
        self.board = None
        if self.main:
            with kept(folder):
                start_log(folder / LOG, self.step)
                if isinstance(task, Followed):
                    start_log(folder / FOLLOWED, self.step, ("step", *task.followed))
                if logger == "tensorboard":
                    self.board = open_board(folder, self.step)
        self.saved_at = clock()
        self.began = self.saved_at - self.seconds
        length = None if settings.minutes else settings.steps
        quiet = not (progress and self.main)
        self.bar = tqdm(total=length, initial=self.step, desc=folder.name, unit="step", disable=quiet)

    @property
    def elapsed(self) -> float:
        """Seconds of this run and of its earlier parts, by the clock of this process."""
        return self.clock() - self.began

    @property
    def place(self) -> float:
        """Where the run stands in its schedule, in steps, after the last step that is done."""
        if self.settings.minutes is None:
            return self.step
        return self.settings.steps * min(1.0, self.seconds / (60 * self.settings.minutes))

    @property
    def finished(self) -> bool:
        """Whether the schedule has come to its end."""
        return self.place >= self.settings.steps

    def batches(self) -> Generator[Batch]:
        """Make the batches that are left, each ahead of need."""
        steps = itertools.count(self.step) if self.settings.minutes else range(self.step, self.settings.steps)
        return prefetch(self.make, () if self.finished else steps, self.fabric.device)

    def make(self, step: int) -> Batch:
        """Make this process's share of the batch of one step."""
        settings, fabric = self.settings, self.fabric
        own = [
            self.task.part(settings.batch // settings.parts, part_generator(settings.seed, step, part), fabric.device)
            for part in range(fabric.global_rank, settings.parts, fabric.world_size)
        ]
        return tuple(torch.cat(tensors) for tensors in zip(*own, strict=True))

    def advance(self, batch: Batch, requests: list[str]) -> bool:
        """Take one step of the optimizer. Return whether any process was asked to stop."""
        self.rate = self.settings.rate(self.place)
        for group, named in zip(self.groups, self.optimizer.param_groups, strict=True):
            named["lr"] = group.rate * self.rate
        self.wrapped.zero_grad()
        loss = self.task.loss(self.model, batch)
        self.fabric.backward(loss)
        norms = [nn.utils.clip_grad_norm_(group.parameters, self.settings.clip) for group in self.groups]
        if not all(torch.isfinite(norm) for norm in norms):  # before it spoils weights, averages and the next state
            raise UserError(f"the gradient is not finite at step {self.step + 1}; train with a lower learning rate")
        self.wrapped.step()
        self.ema.update_parameters(self.task.network)
        loss, stop, self.seconds = agreed(self.fabric, loss, bool(requests), self.elapsed)
        self.loss_total, self.loss_count = self.loss_total + loss, self.loss_count + 1
        self.step += 1
        self.bar.update()
        return stop

    def log(self, checked: bool) -> None:
        """Write a row with the mean loss since the row before, and where `checked` with the validation loss."""
        if self.main:
            mean = self.loss_total.item() / self.loss_count
            row: dict[str, float | str] = {"step": self.step, "seconds": f"{self.elapsed:.1f}"}
            row |= {"learning_rate": self.rate, "loss": mean}
            if checked:
                self.validate()
                row["validation_loss"] = self.validation_loss
                self.follow()
            append_row(self.folder / LOG, row)
            if self.board:
                for key, value in row.items():
                    if key != "step":
                        self.board.add_scalar(key, float(value), self.step)
            self.bar.set_postfix(loss=f"{mean:.4f}", refresh=False)
        self.loss_total, self.loss_count = torch.zeros_like(self.loss_total), 0

    @torch.no_grad()
    def validate(self) -> None:
        """Compute the loss of the averaged weights in the main process, and save a picture."""
        if self.main:
            self.ema.eval()
            with self.fabric.autocast():
                self.validation_loss, picture = self.task.validate(self.network)
            path = self.folder / f"validation-{self.step:07d}.png"
            matplotlib.image.imsave(path, picture.float().cpu().numpy(), cmap="gray", vmin=0, vmax=1)

    @torch.no_grad()
    def follow(self) -> None:
        """Write what the task says of the averaged weights, if it says anything."""
        if isinstance(self.task, Followed):
            with self.fabric.autocast():
                values = self.task.follow(self.network)
            append_row(self.folder / FOLLOWED, {"step": self.step} | values, ("step", *self.task.followed))

    def save(self) -> None:
        """Write all that the run needs to be resumed, in the main process."""
        if self.main:
            notes = {"step": self.step, "seconds": self.elapsed, "described": self.described}
            notes |= {"loss_total": self.loss_total.item(), "loss_count": self.loss_count}
            save_state(self.folder / STATE, self.task.network, self.ema, self.optimizer, notes)
        self.saved_at = self.clock()

    def close(self) -> None:
        """Leave together with the other processes."""
        self.seconds = self.elapsed
        if self.board:
            self.board.close()
        if self.devices > 1:
            self.fabric.barrier()  # No process leaves while the first one still writes.
            self.release()
            torch.distributed.destroy_process_group()

    def release(self) -> None:
        """Let go of the processes' group, whose threads must end before Python does, or they may abort it."""
        del self.model, self.wrapped
        gc.collect()  # what Fabric wraps refers to itself


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into a sentence which says that the run is not lost.

    Raises:
        UserError: something in the folder cannot be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(
            f"could not write to {folder} ({reason}); what the run saved last is kept there: free some space or make "
            "the folder writable, then add --resume to go on"
        ) from error


def _average(decay: float) -> Callable[[Weights, Weights, Tensor | int], None]:
    """Return the update of the averaged weights. At step n they keep min(decay, (1 + n) / (10 + n)) of themselves."""

    def update(averaged: Weights, current: Weights, n: Tensor | int) -> None:
        weight = 1 - min(decay, (1 + int(n)) / (10 + int(n)))
        torch._foreach_lerp_(averaged, current, weight)

    return update
