"""The trained classifiers of the experiments, and the attacks on what they sample."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from monai.metrics import compute_roc_auc
from torch import nn
from torch.nn.functional import one_hot

from mrilab.infomri.gaussian import share_of_best
from mrilab.infomri.study import finished, trained
from mrilab.infomri.tasks.attack import Leak, exposure, images, train_attacker
from mrilab.infomri.tasks.classifiers import STEPS, Classified, find_classifier
from mrilab.infomri.tasks.labelled import Glyphs, Labelled, MassKinds, Source
from mrilab.infomri.tasks.train_classes import SETTINGS, ClassificationTask, ImageTask, classified
from mrilab.physics.pairs import redundancy

ATTACKED = 1_000  # test images that the attackers are measured on
MEASURED = (
    "accuracy", "auroc", "psnr", "ssim", "above_mean", "recognised", "entropy", "information", "redundancy",
)  # fmt: skip


@lru_cache(maxsize=2)
def source_of(images: str) -> Source:
    """Return the labelled images of this name, "glyphs" or "heads"."""
    return Glyphs() if images == "glyphs" else MassKinds()


@lru_cache(maxsize=2)
def trained_classifier(name: str, seed: int) -> nn.Module:
    """Return a classifier at the end of its training, which begins or goes on here."""
    return train_classifier(find_classifier(name), f"classes-{name}-{seed}", seed)


def train_classifier(model: Classified, folder: str, seed: int) -> nn.Module:
    """Train a classifier in a folder, or resume its training; that of an image comes first, where LOUPE has one."""
    source, steps = source_of(model.images), STEPS[model.images]
    settings = replace(SETTINGS, steps=steps, seed=seed)
    lends: Any = finished(ImageTask(model, source, seed), settings, f"{folder}-image") if model.loupe else None
    begins = None if model.begins is None else trained(model.begins, 0)
    return finished(ClassificationTask(model, source, steps, seed, lends, begins), settings, folder)


def attacked(name: str, seed: int, attacker: str) -> dict[str, float]:
    """Return the values of MEASURED on test images: what the classifier knows, and what an attacker makes of it.

    accuracy, auroc: of the classes; the latter is the mean over the classes. psnr to recognised: of the attacker, see
    `exposure`. entropy: of a sample, in nats; information: of the masks, as a share of the best; redundancy: see (6).
    """
    model, network = find_classifier(name), trained_classifier(name, seed)
    source = source_of(model.images)
    task = ClassificationTask(model, source, STEPS[model.images], seed)
    leaks = {}
    for split in ("train", "val", "test"):
        examples = source.fixed(split)
        logits, masks = classified(network, examples.full, task.maps, task.count(len(examples.x)), seed=1)
        leaks[split] = Leak(examples.x, examples.full * masks[:, None], masks)
    found = _knowledge(logits, examples)
    test = Leak(*(each[:ATTACKED] for each in leaks["test"]))
    made = images(train_attacker(attacker, leaks["train"], leaks["val"]), test)
    found |= exposure(made, test.x, leaks["train"].x.mean((0, 1)))
    found["entropy"] = float((task.gaussian.entropy(test.masks) / test.masks.sum((-2, -1))).mean())
    found["information"] = float(share_of_best(task.gaussian, test.masks[:100]).mean())
    pairs = [redundancy(mask.bool(), (*source.shape,)) for mask in test.masks[:100]]
    return found | {"redundancy": sum(pairs) / len(pairs)}


def knowledge(name: str, seed: int) -> dict[str, float]:
    """Return accuracy and AUROC of a classifier on test images."""
    model, network = find_classifier(name), trained_classifier(name, seed)
    source = source_of(model.images)
    task = ClassificationTask(model, source, STEPS[model.images], seed)
    examples = source.fixed("test")
    logits, _ = classified(network, examples.full, task.maps, task.count(len(examples.x)))
    return _knowledge(logits, examples)


def _knowledge(logits: torch.Tensor, examples: Labelled) -> dict[str, float]:
    right = (logits.argmax(1) == examples.classes).float().mean()
    truth = one_hot(examples.classes, logits.shape[1])
    area = np.asarray(compute_roc_auc(logits.softmax(1), truth, average="macro"))
    return {"accuracy": float(right), "auroc": float(area)}
