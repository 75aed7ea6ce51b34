"""A GPU against what it could do: A^H A against copies, training against its bf16 peak, its data against the step."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.problem import line_mask, phantom_scan, point_mask
from benchmarks.timing import Row, alternate
from mrilab.physics import SenseModel
from mrilab.training.feed import Batch, part_generator
from mrilab.training.tasks import find_task

# A^H A written out reads and writes the coil images twelve times: maps times image 2, each of the two transforms 2,
# mask 2, conjugate maps 3, sum 1. A copy does it twice.
COPIES = 6
NORMAL_TARGET = 1.5  # times the copies, of a batch that no cache holds
TASKS = ("score-heads", "modl-t2", "varnet-t2", "flat-derived-t2")
SIDE = {"cuda": 8192, "cpu": 512}  # of the matrices that measure the peak
PROFILE = {"cuda": "full", "cpu": "smoke"}


def rows(device: torch.device) -> Iterator[Row]:
    if device.type == "cuda":
        print(f"on {torch.cuda.get_device_name(device)}")
    yield from normal(device)
    peak = bf16_peak(device)
    for name in TASKS:
        yield from training(name, device, peak)


def normal(device: torch.device) -> Iterator[Row]:
    maps = phantom_scan(256)[1].to(device)
    for kind, mask in (("line", line_mask(256)), ("point", point_mask(256))):
        for batch in (1, 32 if device.type == "cuda" else 4):
            own_maps = maps.expand(batch, *maps.shape).contiguous()  # every scan of the batch has maps of its own
            model = SenseModel(own_maps, mask)
            x, target = model.adjoint(own_maps), torch.empty_like(own_maps)

            def copies(maps=own_maps, target=target):
                for _ in range(COPIES):
                    target.copy_(maps)

            seconds, floor = alternate(lambda m=model, x=x: m.normal(x), copies, rounds=15)
            bandwidth = 2 * COPIES * own_maps.numel() * own_maps.element_size() / floor
            work = f"A^H A, 256x256, 8 coils, {kind} mask, batch {batch}"
            goal = NORMAL_TARGET if batch > 1 else None
            yield Row(work, f"{COPIES} copies", seconds, floor, goal, f"copies at {bandwidth / 1e9:.0f} GB/s")


def bf16_peak(device: torch.device) -> float:
    """Operations a second of a large product of bf16 matrices, the most that was measured."""
    side = SIDE[device.type]
    a, b = torch.randn(2, side, side, device=device).to(torch.bfloat16)
    (seconds,) = alternate(lambda: a @ b, rounds=9)
    return 2 * side**3 / seconds


def training(name: str, device: torch.device, peak: float) -> Iterator[Row]:
    """A step in bf16 against its convolutions and products at the peak, and its data against the step."""
    trainable, profile = find_task(name, PROFILE[device.type])
    task, settings = trainable.build(profile.side, profile.width, 0), profile.settings
    task.network.to(device)
    optimizer = torch.optim.Adam(task.network.parameters())

    def data() -> Batch:
        size = settings.batch // settings.parts
        parts = [task.part(size, part_generator(0, 0, part), device) for part in range(settings.parts)]
        return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))

    batch = data()

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            loss = task.loss(task.network, batch)
        loss.backward()
        optimizer.step()

    with FlopCounterMode(display=False) as counter:
        step()
    seconds, making = alternate(step, data, rounds=3)
    floor = counter.get_total_flops() / peak
    work = f"a step of {name}, {profile.side}x{profile.side}, batch {settings.batch}"
    note = f"{1 / seconds:.1f} steps/s, {floor / seconds:.1%} of {peak / 1e12:.1f} TFLOP/s"
    yield Row(work, "its operations at the bf16 peak", seconds, floor, None, note)
    yield Row(f"its data, made on {device.type}", "the step", making, seconds, 1.0)
