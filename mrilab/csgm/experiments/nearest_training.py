"""Has the prior memorised its training images? The nearest of them to each test head, as a "reconstruction".

The images of every fourth training step of `score-t2` are made again, from the seeds in its card. The card names the
runs before the last one, too. The nearest is the image of the highest PSNR to the reference after the best complex
scale. No method could choose by it.
"""

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from mrilab.csgm.prior import ScorePrior
from mrilab.csgm.train import PROFILES, TASKS
from mrilab.data.embedded import dataset
from mrilab.data.scans import read_scan
from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.metrics import psnr
from mrilab.physics.protocol import full_reference
from mrilab.training.feed import part_generator

EVERY = 4  # training steps from one that is looked at to the next
DATASET = "heads-t2-test"
PRIOR = "score-t2"


def cases() -> list[tuple]:
    """Return one case a test head."""
    return [(path.stem, 0) for path in dataset(DATASET)]


def training_images(every: int = 1) -> Iterator[Tensor]:
    """Yield the clean images of each `every`-th training step of `score-t2`, (part, H, W) at a time."""
    card = ScorePrior(PRIOR).card
    task = TASKS[PRIOR].build(card["task"]["side"], 8)  # the network's width does not touch the data
    for run in [*card["earlier"], card]:
        parts = PROFILES[run["profile"]].settings.parts
        (seed,) = run["seeds"].values()
        for step in range(0, run["steps"], every):
            for part in range(parts):
                yield task.part(run["batch"] // parts, part_generator(seed, step, part), torch.device("cpu"))[0]


def similarity(images: Tensor, targets: Tensor) -> Tensor:
    """Return |cosine|, (n, m), of images (n, H, W) and targets (m, H, W): it orders the errors after the best scale."""
    a, b = (each.flatten(1) / torch.linalg.vector_norm(each, dim=(-2, -1))[:, None] for each in (images, targets))
    return (a @ b.mH).abs()


@lru_cache(maxsize=1)
def _nearest() -> dict[str, dict[str, float]]:
    """Measure all cases in one pass over the training images."""
    scans = [read_scan(path) for path in dataset(DATASET)]
    targets = torch.stack([full_reference(scan.kspace[0]) for scan in scans])
    best, nearest = torch.zeros(len(targets)), torch.zeros_like(targets)  # (heads,), (heads, H, W)
    for images in training_images(EVERY):
        highest, which = similarity(images, targets).max(0)
        better = highest > best
        best, nearest = torch.where(better, highest, best), torch.where(better[:, None, None], images[which], nearest)
    scale = (nearest.conj() * targets).sum((-2, -1)) / nearest.abs().square().sum((-2, -1))
    copies = nearest * scale[:, None, None]
    pairs = zip(scans, copies, targets, strict=True)
    return {scan.name: {"psnr_nearest": psnr(copy, target)} for scan, copy, target in pairs}


@experiment("the training image nearest to each test head", measured=("psnr_nearest",), cases=cases)
def measure(scan: str, seed: int) -> dict[str, float]:
    """Return the PSNR of the nearest training image to the reference."""
    return _nearest()[scan]
