"""The randomised distribution: everything about contrast drawn at random, for networks that must work elsewhere.

A network that has seen only plausible T2 heads learns their contrast along with what all images share. Here the
signal of each tissue, the phase, the bias and the small structures are drawn anew for each slice, so that only
what all images share is left to learn (the idea of SynthSeg: Billot et al., Medical Image Analysis 86:102789, 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.anatomy.contrast import INDEX, TISSUES
from mrilab.anatomy.fields import random_field
from mrilab.physics.fourier import fft2c, ifft2c


def random_signals(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Signals (n, tissue) in [0.05, 1], air 0; bone and dura mostly dark. And a random whiteness slope.

    Half of the slices have signals uniform in that range. In the other half all are drawn towards a common value, by
    any factor: most contrasts outside textbooks are flat, as that of proton density is.
    """
    signals = 0.05 + 0.95 * torch.rand(n, len(TISSUES), generator=generator)
    common, flatness = torch.rand(2, n, 1, generator=generator)
    flatness = flatness * (torch.rand(n, 1, generator=generator) < 0.5)
    signals = torch.lerp(signals, 0.2 + 0.8 * common, flatness)
    signals[:, INDEX["air"]] = 0
    for name in ("cortical bone", "dura"):
        signals[:, INDEX[name]] *= torch.rand(n, generator=generator) ** 2
    change = torch.zeros(n, len(TISSUES))
    slope = 0.5 * (1 - flatness) * torch.randn(n, 1, generator=generator)
    change[:, [INDEX["grey matter"], INDEX["white matter"]]] = slope
    return signals, change


def _per_slice(n, low, high, generator, device) -> Tensor:
    return (low + (high - low) * torch.rand(n, 1, 1, generator=generator)).to(device)


def random_phase(n: int, shape: tuple[int, int], generator: torch.Generator, device="cpu") -> Tensor:
    """Phase (n, H, W) in radians: an offset, a ramp of up to a turn across the image, fields of two scales, a bump.

    Strengths are drawn from none to what gradient echoes show, where the air beside the brain bends the field: there
    the phase of neighbouring pixels differs by up to half a radian.
    """
    phase = _per_slice(n, 0, 2 * torch.pi, generator, device)
    for axis, length in ((1, shape[0]), (2, shape[1])):
        ramp = torch.linspace(-0.5, 0.5, length, device=device).unsqueeze(2 - axis)  # (H, 1) or (W,)
        phase = phase + _per_slice(n, -2 * torch.pi, 2 * torch.pi, generator, device) * ramp
    for fraction, most in ((0.5, 4.0), (0.15, 1.5)):
        field = random_field(n, 1, shape, fraction * max(shape), generator, device)[:, 0]
        phase = phase + most * _per_slice(n, 0, 1, generator, device) ** 2 * field
    return phase + _phase_bump(n, shape, generator, device)


def _phase_bump(n: int, shape: tuple[int, int], generator: torch.Generator, device) -> Tensor:
    """A susceptibility artefact (n, H, W) over 5 to 15 % of the field of view, in half of the slices."""
    width = _per_slice(n, 0.05, 0.15, generator, device)
    down, across = (
        torch.linspace(-0.5, 0.5, length, device=device).unsqueeze(1 - axis)  # (H, 1) or (W,)
        - _per_slice(n, -0.4, 0.4, generator, device)
        for axis, length in enumerate(shape)
    )
    # up to 15 rad high (2.4 turns), and at most 60 rad steep per field of view: half a radian from pixel to pixel
    height = 100 * width * _per_slice(n, -1, 1, generator, device) * (_per_slice(n, 0, 1, generator, device) < 0.5)
    return height * torch.exp(-(down**2 + across**2) / (2 * width**2))


def chemical_shift(shares: Tensor, signals: Tensor, generator: torch.Generator) -> Tensor:
    """Factor (n, H, W) by which fat, off resonance, turns its part of each pixel's signal; 1 in half of the slices."""
    n = len(signals)
    fatty = torch.zeros(len(TISSUES), device=shares.device)
    fatty[[INDEX["fat"], INDEX["marrow"]]] = 1
    fat, total = (torch.einsum("nthw,nt->nhw", shares, signals * part) for part in (fatty, torch.ones_like(fatty)))
    angle = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator) * (torch.rand(n, 1, 1, generator=generator) < 0.5)
    turn = torch.polar(torch.ones_like(angle), angle).to(shares.device)
    return 1 + (turn - 1) * (fat / total.clamp_min(1e-6))


def random_bias(n: int, shape: tuple[int, int], generator: torch.Generator, device="cpu") -> Tensor:
    """Receive bias (n, H, W), up to a factor of about two across the head."""
    field = random_field(n, 1, shape, 0.4 * max(shape), generator, device)[:, 0]
    return torch.exp(_per_slice(n, 0, 0.35, generator, device) * field)


def random_resolution(image: Tensor, fineness: int, generator: torch.Generator) -> Tensor:
    """Blur along each axis, as of a scan with fewer points: half of the slices lose up to 40 % of their k-space.

    image (n, H, W) on a grid `fineness` times as fine as the one to be sampled, whose k-space is what counts. The
    edge of the window is as soft as scanners' filters make it, against ringing.
    """
    n, height, width = image.shape
    kept = 1 - 0.4 * torch.rand(n, 2, generator=generator) * (torch.rand(n, 1, generator=generator) < 0.5)
    kspace = fft2c(image)
    for axis, size in ((1, height), (2, width)):
        frequency = 2 * fineness * (torch.arange(size) - size // 2).abs() / size  # 1 at the sampled grid's edge
        cut = kept[:, axis - 1, None]
        window = torch.sigmoid((cut - frequency) / 0.03)
        window = torch.where(cut < 1, window, 1.0).to(image.device)  # (n, size); an uncut slice stays as it is
        kspace = kspace * window.unsqueeze(3 - axis)
    return ifft2c(kspace)


def random_blobs(
    n: int, shape: tuple[int, int], magnitude: Tensor, shares: Tensor, generator: torch.Generator, device="cpu"
) -> Tensor:
    """Change of the magnitude (n, H, W) by patches that no tissue map knows: lesions, artefacts, odd structures.

    Islands where a smooth field exceeds a drawn level, brighter or darker than what they cover; in the head only.
    """
    head = 1 - shares[:, INDEX["air"]]
    field = random_field(n, 1, shape, max(shape) / 26, generator, device)[:, 0]
    level = _per_slice(n, 1.8, 3.2, generator, device)
    island = torch.sigmoid(_per_slice(n, 4, 25, generator, device) * (field - level))
    return head * island * (_per_slice(n, 0.0, 1.0, generator, device) - magnitude)
