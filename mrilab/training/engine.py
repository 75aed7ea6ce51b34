"""The training loop of all lessons: one process or many, stopped and resumed at will."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import matplotlib.image
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from mrilab.errors import UserError
from mrilab.training.feed import Batch, part_generator, prefetch
from mrilab.training.log import Log
from mrilab.training.processes import agreed, launch, stop_requests
from mrilab.training.state import read_state, restore_state, save_state

STATE, LOG, IMAGES = "state.safetensors", "log.csv", "validation-{step:07d}.png"


class Task(Protocol):
    """What is trained: a network, its data and its loss."""

    @property
    def network(self) -> nn.Module:
        """Return the network whose weights are trained."""

    @property
    def config(self) -> dict[str, Any]:
        """Return JSON values; a run resumes only under the same."""

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """`n` training examples, drawn with the CPU `generator`; called in a background thread."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean over the examples of a batch, a scalar."""

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """The same loss on fixed examples of the validation split, and a picture (H, W) between 0 and 1."""


@dataclass(frozen=True)
class Settings:
    """How a task is trained. `batch` is the global batch, made in `parts` that any number of devices share."""

    steps: int
    batch: int
    parts: int = 2
    learning_rate: float = 4e-4
    warmup: int = 100  # steps of linear rise, then a half cosine down to 0 at `steps`
    clip: float = 1.0  # norm of the gradient
    ema: float = 0.999  # decay a step of the averaged weights; less in the beginning
    seed: int = 0
    precision: str = "auto"  # of the network's arithmetic: bf16-mixed on GPUs, 32-true on CPUs, or either by name
    log_every: int = 10
    validate_every: int = 500

    def rate(self, step: int) -> float:
        """The learning rate of step 0, 1, ..."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        fall = max(0, step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * fall))


@dataclass(frozen=True)
class Profile:
    """`side` of the square training images and `width` of the network; the network takes any shape afterwards."""

    side: int
    width: int
    settings: Settings


@dataclass(frozen=True)
class Outcome:
    """Where a run stands. `network` has the averaged weights; `main` is false in all processes but one."""

    network: nn.Module
    step: int
    seconds: float
    stopped_by: str | None
    validation_loss: float
    devices: int
    precision: str
    main: bool


def fit(
    task: Task,
    settings: Settings,
    folder: Path,
    *,
    resume: bool = False,
    checkpoint_seconds: float = 300.0,
    progress: bool = True,
) -> Outcome:
    """Train `task` in `folder` (state, log, pictures) until `settings.steps` or SIGTERM or SIGINT, then save.

    Under torchrun every process works on its share of the same global batches. GPUs compute in bf16 with float32
    weights, CPUs in float32 unless `settings.precision` says otherwise. The state is saved every `checkpoint_seconds`,
    at the end and when stopped.

    Raises:
        UserError: `folder` holds a run and `resume` is not asked for, or holds none or another one and it is;
            the parts cannot be shared evenly; the gradient is not finite any more.
    """
    fabric = launch(settings.precision)
    world, rank, precision = fabric.world_size, fabric.global_rank, fabric.strategy.precision.precision
    if settings.batch % settings.parts or settings.parts % world:
        raise UserError(
            f"a batch of {settings.batch} in {settings.parts} parts cannot be shared evenly by {world} processes; "
            "start as many as divide the number of parts"
        )
    path, described = folder / STATE, {"task": task.config, "settings": asdict(settings)}
    if path.exists() and not resume:
        raise UserError(f"{folder} holds a run already; add --resume to go on or choose another folder with --out")
    start, before, total, count = 0, 0.0, 0.0, 0
    ema = AveragedModel(task.network, multi_avg_fn=_average(settings.ema)).to(fabric.device)
    optimizer = torch.optim.Adam(task.network.parameters(), lr=settings.learning_rate)
    model, wrapped = fabric.setup(task.network, optimizer)
    if resume:
        tensors, notes = read_state(path)
        if notes.get("described") != described:
            raise UserError(f"the run in {folder} has other settings; resume with the same ones or start a new run")
        restore_state(tensors, task.network, ema, optimizer)
        start, before, total, count = (notes[key] for key in ("step", "seconds", "loss_total", "loss_count"))
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder / LOG, start) if fabric.is_global_zero else None
    total = torch.tensor(total, dtype=torch.float64, device=fabric.device)
    began = time.perf_counter()
    saved, stopped_by, validation_loss, done = began, None, math.nan, start

    def make(step: int) -> Batch:
        size = settings.batch // settings.parts
        own = [
            task.part(size, part_generator(settings.seed, step, part), fabric.device)
            for part in range(rank, settings.parts, world)
        ]
        return tuple(torch.cat(tensors) for tensors in zip(*own, strict=True))

    def save() -> None:
        notes = {"step": done, "seconds": seconds(), "loss_total": total.item(), "loss_count": count}
        save_state(path, task.network, ema, optimizer, {**notes, "described": described})

    def seconds() -> float:
        return before + time.perf_counter() - began

    steps = range(start, settings.steps)
    bar = tqdm(
        total=settings.steps, initial=start, desc=folder.name, unit="step", disable=not (progress and log is not None)
    )
    with bar, stop_requests() as requests, closing(prefetch(make, steps, fabric.device)) as batches:
        for step, batch in zip(steps, batches, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = settings.rate(step)
            wrapped.zero_grad()
            loss = task.loss(model, batch)
            fabric.backward(loss)
            norm = fabric.clip_gradients(model, wrapped, max_norm=settings.clip, error_if_nonfinite=False)
            if not torch.isfinite(norm):  # before it spoils weights, averages and the next state
                raise UserError(f"the gradient is not finite at step {step + 1}; train with a lower learning rate")
            wrapped.step()
            ema.update_parameters(task.network)
            done = step + 1
            loss, stop = agreed(fabric, loss, bool(requests))
            total, count = total + loss, count + 1
            last = done == settings.steps
            checked = done % settings.validate_every == 0 or last
            if checked or done % settings.log_every == 0:
                row = {"step": done, "seconds": f"{seconds():.1f}", "learning_rate": settings.rate(step)}
                if log is not None:
                    if checked:
                        validation_loss = _validate(fabric, task, ema, folder / IMAGES.format(step=done))
                        row["validation_loss"] = repr(validation_loss)
                    log.append(**row, loss=repr(total.item() / count))
                    bar.set_postfix(loss=f"{total.item() / count:.4f}", refresh=False)
                total, count = torch.zeros_like(total), 0
            if log is not None and (stop or last or time.perf_counter() - saved >= checkpoint_seconds):
                save()
                saved = time.perf_counter()
            bar.update()
            if stop and not last:
                stopped_by = requests[0] if requests else "another process"
                break
        if not steps and log is not None:  # resumed after the end
            validation_loss = _validate(fabric, task, ema, folder / IMAGES.format(step=done))
    if world > 1:
        fabric.barrier()  # no process leaves while the first one still writes
        torch.distributed.destroy_process_group()
    return Outcome(ema.module, done, seconds(), stopped_by, validation_loss, world, precision, log is not None)


def _average(decay: float):
    """The update of the averaged weights: at step n they remember min(decay, (1 + n) / (10 + n)) of themselves."""

    def update(averaged: list[Tensor], current: list[Tensor], n: Tensor) -> None:
        weight = 1 - min(decay, (1 + int(n)) / (10 + int(n)))
        torch._foreach_lerp_(averaged, current, weight)

    return update


@torch.no_grad()
def _validate(fabric, task: Task, ema: AveragedModel, path: Path) -> float:
    """Loss of the averaged weights; their picture goes to `path`."""
    ema.eval()
    with fabric.autocast():
        loss, picture = task.validate(ema.module)
    matplotlib.image.imsave(path, picture.float().cpu().numpy(), cmap="gray", vmin=0, vmax=1)
    return loss
