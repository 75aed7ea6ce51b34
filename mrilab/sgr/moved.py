"""How guidance shows an image to the segmentation network: as it is, moved at random, or as the released code does.

A gradient of one network at one place writes speckle that moves this network and no other. A network that is asked at
another place in every step gives gradients of which only what does not depend on the place adds up (Athalye et al.,
"Synthesizing robust adversarial examples", ICML 2018: the expectation over transformations).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Segment = Callable[[Tensor], Tensor]  # images (n, H, W) in units of q -> logits (n, 1 + classes, H, W)
View = Literal["plain", "moved", "released"]

VIEW: View = "moved"
SHIFT = 16  # number of positions along each axis: the coarsest grid of a segmentation network of five levels
AXES: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))  # of the four mirror images


def seen(segment: Segment, view: View, generator: torch.Generator) -> Segment:
    """Return the segmentation as guidance is to see it; `generator` draws what is drawn anew in every call."""
    if view == "plain":
        return segment
    return moved(segment, generator) if view == "moved" else mirrored(segment, generator)


def moved(segment: Segment, generator: torch.Generator) -> Segment:
    """Return the segmentation of the image at another place: shifted at random, mirrored or not, and moved back.

    Every call draws one shift, below SHIFT pixels along each axis, and one of the four mirror images. What leaves the
    image on one side comes in on the other.
    """

    def at_another_place(x: Tensor) -> Tensor:
        down, right = torch.randint(SHIFT, (2,), generator=generator).tolist()
        axes = AXES[int(torch.randint(len(AXES), (), generator=generator))]
        logits = segment(x.roll((down, right), (-2, -1)).flip(axes))  # (n, 1 + classes, H, W)
        return logits.flip(axes).roll((-down, -right), (-2, -1))

    return at_another_place


def mirrored(segment: Segment, generator: torch.Generator, noise_std: float = 0.05) -> Segment:
    """Return the segmentation as the released code calls it: the mean of four mirror images, each with new noise.

    The noise goes on the magnitudes, which stay above 0. Every call gives another answer.
    """

    def released(x: Tensor) -> Tensor:
        total = None
        for axes in AXES:
            noise = noise_std * torch.randn(x.shape, generator=generator).to(x.real)
            logits = segment((x.abs().flip(axes) + noise).clamp_min(0)).flip(axes)  # (n, 1 + classes, H, W)
            total = logits if total is None else total + logits
        assert total is not None
        return total / len(AXES)

    return released
