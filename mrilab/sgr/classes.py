"""Segmentation networks by name, and the classes that are asked of them."""

import difflib
from collections.abc import Sequence

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.sgr.segmentation import Segmenter
from mrilab.sgr.volume import indicator
from mrilab.training.checkpoints import checkpoint_names, load_checkpoint

IMAGES = 8  # number of images that a network segments at a time, which bounds the memory


def load_segmenter(name: str, device: torch.device) -> Segmenter:
    """Return the segmentation network of this name on `device`.

    Raises:
        UserError: there is no such checkpoint, or it is not a segmentation network.
    """
    network, card = load_checkpoint(name)
    if not isinstance(network, Segmenter):
        kind = card["network"]["kind"]
        raise UserError(f"checkpoint {name!r} is a {kind}, not a segmentation network; choose one like segment-heads")
    return network.to(device)


def second_segmenter(name: str | None, first: str, classes: Sequence[str], device: torch.device) -> Segmenter | None:
    """Return another network that knows the classes: that of this name, else FIRST-second where there is a fitting one.

    Raises:
        UserError: the network of this name cannot be loaded, or lacks one of the classes.
    """
    if name is None:
        if f"{first}-second" not in checkpoint_names():
            return None
        network = load_segmenter(f"{first}-second", device)
        return network if set(classes) <= set(network.classes) else None
    network = load_segmenter(name, device)
    class_numbers(network, name, classes)
    return network


def class_numbers(network: Segmenter, name: str, classes: Sequence[str]) -> dict[str, int]:
    """Return the channel of each class by its name, each once.

    Raises:
        UserError: no class, or one that the network (checkpoint `name`) does not know.
    """
    there = ", ".join(network.classes)
    if not classes:
        raise UserError(f"name at least one class with --class; {name} knows {there}")
    for each in classes:
        if each not in network.classes:
            close = difflib.get_close_matches(each.lower(), network.classes, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UserError(f"{name} knows no class {each!r}; {hint}its classes are {there}")
    return {each: 1 + network.classes.index(each) for each in dict.fromkeys(classes)}


def class_maps(network: Segmenter, images: Tensor, names: Sequence[str]) -> Tensor:
    """Return the class of each pixel of images (..., H, W), uint8 of the same shape, numbered from 1 as in `names`.

    A pixel has the class that is more probable than every other one, as the volume counts it (8). With a tie it has
    none, which is 0, as are background and classes that `names` lacks. Images are in units of their 0.99 quantile.
    """
    numbers = [0, *(1 + names.index(each) if each in names else 0 for each in network.classes)]
    lookup = torch.tensor(numbers, dtype=torch.uint8, device=images.device)
    flat = images.reshape(-1, *images.shape[-2:])  # (n, H, W)
    with torch.no_grad():
        parts = [lookup[_classes(network(piece))] for piece in flat.split(IMAGES)]
    return torch.cat(parts).reshape(images.shape)


def _classes(logits: Tensor) -> Tensor:
    """Return the class (n, H, W) of logits (n, 1 + classes, H, W)."""
    return torch.stack([c * indicator(logits, c) for c in range(1, logits.shape[1])]).sum(0)
