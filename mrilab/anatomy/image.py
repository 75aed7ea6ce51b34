"""A complex image from tissue shares: signal, texture, receive bias and background phase."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.anatomy.contrast import CONTRASTS, TISSUES, clinical_signals
from mrilab.anatomy.deform import CLINICAL, RANDOMISED, Slices, place_slices
from mrilab.anatomy.fields import Device
from mrilab.anatomy.head import tissue_shares
from mrilab.anatomy.randomised import chemical_shift, random_bias, random_blobs, random_phase, random_signals
from mrilab.errors import UserError

DISTRIBUTIONS = ("clinical", "randomised")
# knot spacing in mm and share of the standard deviation of each scale of texture; the shares' squares sum to 1
TEXTURE = ((1.2, 0.75), (2.5, 0.5), (6.0, 0.433))


@dataclass(frozen=True)
class Heads:
    """Hold rendered slices: image (n, H, W) complex64, tissue shares (n, tissue, H, W), and where they lie.

    Where lesions were planted, `lesions` is their share of each pixel (n, H, W). The tissue shares are as without.
    """

    image: Tensor
    shares: Tensor
    slices: Slices
    contrast: str
    lesions: Tensor | None = None


def render_heads(
    n: int,
    shape: tuple[int, int],
    generator: torch.Generator,
    distribution: str = "clinical",
    contrast: str | None = "t2",
    orientation: str | None = "axial",
    part: str = "seen",
    device: Device = "cpu",
    thickness: float | None = None,
) -> Heads:
    """Render `n` slices of `n` different heads on exactly this grid. Nothing is band-limited here.

    Args:
        distribution: "clinical" (one contrast, plausible tissue values) or "randomised" (any tissue values,
            strong phase, blobs, any field of view; orientation None is then all three).
        contrast: t1, t2, pd or flair; None draws a contrast for the whole call. "randomised" has none.
        part: "seen" or "slab", see `deform.toml`.
        thickness: in mm, for contiguous slices of one head, which is then clinical; None for a head in each slice.

    Raises:
        UserError: unknown distribution, contrast or orientation; contiguous slices of a randomised head.
    """
    if distribution not in DISTRIBUTIONS:
        raise UserError(f"unknown distribution {distribution!r}; choose one of {', '.join(DISTRIBUTIONS)}")
    clinical = distribution == "clinical"
    if thickness is not None and not clinical:
        raise UserError("contiguous slices of one head are made of clinical heads only; choose that distribution")
    variation = CLINICAL if clinical else RANDOMISED
    slices = place_slices(n, shape, orientation, part, variation, generator, device, thickness)
    shares, whiteness = tissue_shares(slices, generator)
    draws = slices.draws(generator)
    grain = torch.tensor([tissue.grain for tissue in TISSUES])
    if clinical:
        if contrast is None:
            contrast = CONTRASTS[int(torch.randint(len(CONTRASTS), (1,), generator=generator))]
        signals, change = clinical_signals(contrast, n if thickness is None else 1, generator)
        signals, change = signals.expand(n, -1), change.expand(n, -1)  # (n, tissue)
        scale = max(draws.shape) / 2
        bias = torch.exp(0.12 * draws.field(scale))  # what the coil maps leave: about 12 %
        phase = draws.uniform(0, 2 * torch.pi) + 0.5 * draws.field(scale)  # phase of a spin echo in rad: a slow drift
    else:
        contrast = "randomised"
        signals, change = random_signals(n, generator)
        # from none at all, as in a smooth tissue, to 2.5 times what our heads have
        grain = (grain * 2.5 * torch.rand(len(TISSUES), generator=generator) ** 2).clamp_max(0.35)
        bias, phase = random_bias(draws), random_phase(draws)
    signals, change, grain = signals.to(device), change.to(device), grain.to(device)

    def mix(values: Tensor) -> Tensor:  # (n, tissue) -> (n, H, W)
        return torch.einsum("nthw,nt->nhw", shares, values)

    magnitude = mix(signals) + mix(signals * change) * whiteness
    pixel = float(slices.pixel.mean())  # mm
    texture = sum((share * draws.field(knots / pixel) for knots, share in TEXTURE), torch.zeros((), device=device))
    magnitude += mix(signals * grain) * texture
    if not clinical:
        magnitude += random_blobs(draws, magnitude, shares)
    coverage = torch.sigmoid((slices.points[..., 2] + 92) / 8)  # a head coil ends at the neck: it fades below the jaw
    magnitude = magnitude.clamp_min(0) * bias * coverage
    image = torch.polar(magnitude, phase)
    if not clinical:
        image *= chemical_shift(shares, signals, generator)
    return Heads(image, shares, slices, contrast)
