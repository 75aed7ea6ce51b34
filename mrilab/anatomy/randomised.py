"""The randomised distribution: everything about contrast drawn at random, for networks that must work elsewhere.

A network that has seen only plausible T2 heads learns their contrast along with what all images share. Here the
signal of each tissue, the phase, the bias and the small structures are drawn anew for each slice. Only what all
images share is left to learn (the idea of SynthSeg: Billot et al., Medical Image Analysis 86:102789, 2023).
"""

import torch
from torch import Tensor

from mrilab.anatomy.contrast import INDEX, TISSUES
from mrilab.anatomy.fields import Draws
from mrilab.physics.fourier import fft2c, ifft2c


def random_signals(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw signals (n, tissue) in [0.05, 1], and their change (n, tissue) per unit of whiteness.

    Half of the slices have signals uniform in that range. In the other half all are drawn towards a common value, by
    any factor: most contrasts outside textbooks are flat, as that of proton density is. Air is 0, and bone and dura
    are mostly dark.
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


def _positions(draws: Draws) -> list[Tensor]:
    """Return positions (H, 1) downwards and (1, W) to the right, from -0.5 to 0.5 of the field of view."""
    height, width = (torch.linspace(-0.5, 0.5, length, device=draws.device) for length in draws.shape)
    return [height[:, None], width[None]]


def random_phase(draws: Draws) -> Tensor:
    """Draw a phase (n, H, W) in rad: an offset, a ramp of up to a turn across the image, two fields and a bump.

    Strengths run from none to what gradient echoes show, where the air beside the brain bends the field: there the
    phase of neighbouring pixels differs by up to half a radian.
    """
    phase = draws.uniform(0, 2 * torch.pi)
    for position in _positions(draws):
        phase = phase + draws.uniform(-2 * torch.pi, 2 * torch.pi) * position
    for fraction, most in ((0.5, 4.0), (0.15, 1.5)):
        field = draws.field(fraction * max(draws.shape))
        phase = phase + most * draws.uniform(0, 1) ** 2 * field
    return phase + _phase_bump(draws)


def _phase_bump(draws: Draws) -> Tensor:
    """Draw a susceptibility artefact (n, H, W) over 5 to 15 % of the field of view, in half of the slices."""
    width = draws.uniform(0.05, 0.15)
    down, right = (position - draws.uniform(-0.4, 0.4) for position in _positions(draws))
    # up to 15 rad high (2.4 turns), and at most 60 rad steep per field of view: half a radian from pixel to pixel
    height = 100 * width * draws.uniform(-1, 1) * (draws.uniform(0, 1) < 0.5)
    return height * torch.exp(-(down**2 + right**2) / (2 * width**2))


def chemical_shift(shares: Tensor, signals: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the factor (n, H, W) by which off-resonant fat turns its part of a pixel; 1 in half of the slices."""
    n = len(signals)
    fatty = torch.zeros(len(TISSUES), device=shares.device)
    fatty[[INDEX["fat"], INDEX["marrow"]]] = 1
    fat, total = (torch.einsum("nthw,nt->nhw", shares, signals * part) for part in (fatty, torch.ones_like(fatty)))
    angle = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator) * (torch.rand(n, 1, 1, generator=generator) < 0.5)
    turn = torch.polar(torch.ones_like(angle), angle).to(shares.device)
    return 1 + (turn - 1) * (fat / total.clamp_min(1e-6))


def random_bias(draws: Draws) -> Tensor:
    """Draw a receive bias (n, H, W) of up to a factor of about two across the head."""
    field = draws.field(0.4 * max(draws.shape))
    return torch.exp(draws.uniform(0, 0.35) * field)


def random_resolution(image: Tensor, fineness: int, generator: torch.Generator) -> Tensor:
    """Blur `image` (n, H, W) along each axis: half of the slices lose up to 40 % of their k-space.

    Its grid is `fineness` times as fine as that of the scan, whose k-space is what counts. The edge of the window is
    as soft as scanners' filters make it, against ringing.
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


def random_blobs(draws: Draws, magnitude: Tensor, shares: Tensor) -> Tensor:
    """Draw the change of the magnitude (n, H, W) by patches that no tissue map knows: lesions, artefacts.

    They are islands where a smooth field exceeds a drawn level, brighter or darker than what they cover, in the head.
    """
    head = 1 - shares[:, INDEX["air"]]
    field = draws.field(max(draws.shape) / 26)
    level = draws.uniform(1.8, 3.2)
    island = torch.sigmoid(draws.uniform(4, 25) * (field - level))
    return head * island * (draws.uniform(0.0, 1.0) - magnitude)
