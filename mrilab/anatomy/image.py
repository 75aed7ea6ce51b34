"""A complex image from tissue shares: signal, texture, receive bias and background phase."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.anatomy.contrast import CONTRASTS, TISSUES, clinical_signals
from mrilab.anatomy.deform import CLINICAL, RANDOMISED, Slices, place_slices
from mrilab.anatomy.fields import random_field
from mrilab.anatomy.head import tissue_shares
from mrilab.anatomy.randomised import chemical_shift, random_bias, random_blobs, random_phase, random_signals
from mrilab.anatomy.texture import strengths, texture_field
from mrilab.errors import UserError

DISTRIBUTIONS = ("clinical", "randomised")


@dataclass(frozen=True)
class Heads:
    """Rendered slices: complex64 image (n, H, W), tissue shares (n, tissue, H, W) and where the slices lie."""

    image: Tensor
    shares: Tensor
    slices: Slices
    contrast: str


def render_heads(
    n: int,
    shape: tuple[int, int],
    generator: torch.Generator,
    distribution: str = "clinical",
    contrast: str | None = "t2",
    orientation: str | None = "axial",
    part: str = "seen",
    device="cpu",
) -> Heads:
    """Render `n` slices of `n` different heads on exactly this grid; nothing is band-limited here.

    Args:
        distribution: "clinical" (one contrast, plausible tissue values) or "randomised" (any tissue values,
            strong phase, blobs, any field of view; orientation None is then all three).
        contrast: t1, t2, pd or flair; None draws one for the whole call. The randomised distribution has none.
        part: "seen" or "slab", see `deform.SEGMENTS`.

    Raises:
        UserError: unknown distribution, contrast or orientation.
    """
    if distribution not in DISTRIBUTIONS:
        raise UserError(f"unknown distribution {distribution!r}; choose one of {', '.join(DISTRIBUTIONS)}")
    clinical = distribution == "clinical"
    slices = place_slices(n, shape, orientation, part, CLINICAL if clinical else RANDOMISED, generator, device)
    shares, whiteness = tissue_shares(slices, generator)
    pixel = float(slices.pixel.mean())
    if clinical:
        if contrast is None:
            contrast = CONTRASTS[int(torch.randint(len(CONTRASTS), (1,), generator=generator))]
        signals, change = clinical_signals(contrast, n, generator)
        grain = strengths()
        bias, phase = _gentle_bias(n, shape, generator, device), _gentle_phase(n, shape, generator, device)
    else:
        contrast = "randomised"
        signals, change = random_signals(n, generator)
        # from none at all, as of a noise-free smooth tissue, to 2.5 times what our heads have
        grain = (strengths() * 2.5 * torch.rand(len(TISSUES), generator=generator) ** 2).clamp_max(0.35)
        bias, phase = random_bias(n, shape, generator, device), random_phase(n, shape, generator, device)
    signals, change, grain = signals.to(device), change.to(device), grain.to(device)

    def mix(values):  # (n, tissue) -> (n, H, W)
        return torch.einsum("nthw,nt->nhw", shares, values)

    magnitude = mix(signals) + mix(signals * change) * whiteness
    magnitude += mix(signals * grain) * texture_field(n, shape, pixel, generator, device)
    if not clinical:
        magnitude += random_blobs(n, shape, magnitude, shares, generator, device)
    magnitude = magnitude.clamp_min(0) * bias * _coverage(slices)
    image = torch.polar(magnitude, phase)
    if not clinical:
        image *= chemical_shift(shares, signals, generator)
    return Heads(image, shares, slices, contrast)


def _coverage(slices: Slices) -> Tensor:
    """A head coil ends at the neck: what it still receives (n, H, W) fades out below the jaw."""
    return torch.sigmoid((slices.points[..., 2] + 92) / 8)


def _gentle_bias(n, shape, generator, device) -> Tensor:
    """Receive bias (n, H, W) that the coil maps leave: about 12 % over half the field of view."""
    return torch.exp(0.12 * random_field(n, 1, shape, max(shape) / 2, generator, device)[:, 0])


def _gentle_phase(n, shape, generator, device) -> Tensor:
    """Background phase (n, H, W) in radians of a spin echo: an offset and a slow drift over the head."""
    offset = (2 * torch.pi * torch.rand(n, 1, 1, generator=generator)).to(device)
    return offset + 0.5 * random_field(n, 1, shape, max(shape) / 2, generator, device)[:, 0]
