"""Lesions in the white matter: what no tissue map knows, planted in a finished head from a generator of its own.

So the heads themselves stay as they are, draw by draw. A lesion is a ball with a wavy surface and a soft border. It
replaces the tissue, keeps its phase, and has a grain of its own. Its size and signal are in `lesions.toml`.
"""

import tomllib
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.contrast import INDEX, NAMES
from mrilab.anatomy.image import Heads

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
LABELS = (*NAMES, "lesion")  # names by number of the labels of a head with lesions
BORDER, REACH = 0.6, 5.0  # softness of the border in mm, and distance from it at which a lesion ends for good
WAVE = (5.0, 0.18)  # knot spacing in mm of the surface's waves, and their standard deviation over the radius
GRAIN = (2.5, 0.06)  # knot spacing in mm and relative standard deviation of the texture inside
GREY = 0.5  # how far a lesion may take over grey matter; white matter it takes over wholly
NEIGHBOURHOOD = 7.0  # mm over which white matter must prevail around a centre
PREVAILING = 0.75  # least mean share of white matter there
AROUND = 12.0  # standard deviation in mm of the window in which the white matter's signal is measured


def plant_lesions(heads: Heads, generator: torch.Generator, affected: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return the image complex64 (n, H, W) of finished heads with lesions, and the lesions' share of each pixel.

    A head has lesions with probability `affected`, and none if its slices show no deep white matter. Contiguous slices
    of one head share its lesions; a single slice cuts each through the middle.
    """
    n, height, width = heads.image.shape
    device = heads.image.device
    draws = heads.slices.draws(generator)
    thickness = heads.slices.thickness
    pixel = heads.slices.pixel  # (n,) mm
    wave = WAVE[1] * draws.field(WAVE[0] / float(pixel.mean())).clamp(-2, 2)  # (n, H, W), relative to the radius
    grain = 1 + GRAIN[1] * draws.field(GRAIN[0] / float(pixel.mean()))
    white, grey = heads.shares[:, INDEX["white matter"]], heads.shares[:, INDEX["grey matter"]]
    window = 2 * round(NEIGHBOURHOOD / float(pixel.mean()) / 2) + 1
    prevalence = torch.nn.functional.avg_pool2d(white, window, 1, window // 2)  # (n, H, W)
    candidates = (prevalence - PREVAILING).clamp_min(0).cpu()
    rows, columns = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)

    magnitude = heads.image.abs()
    share = torch.zeros_like(magnitude)
    low, high = TABLES["count"]
    for head in [slice(n)] if thickness else [slice(i, i + 1) for i in range(n)]:
        count = int(torch.randint(low, high + 1, (), generator=generator))
        if torch.rand((), generator=generator) >= affected or not candidates[head].any():
            continue
        for centre in torch.multinomial(candidates[head].flatten(), count, generator=generator).tolist():
            radius, ratio, offset = _traits(heads.contrast, generator)
            number, row, column = (int(i) for i in torch.unravel_index(torch.tensor(centre), candidates[head].shape))
            across = pixel[head, None, None] * torch.hypot(rows - row, (columns - column).float())  # (slices, H, W) mm
            slices = torch.arange(len(across), device=device)[:, None, None]
            through = (thickness or 0.0) * (slices - number - offset)  # (slices, 1, 1) mm
            distance = torch.hypot(across, through) - radius * (1 + wave[head])
            near = white[head] * torch.exp(-0.5 * (across / AROUND).square())
            level = ratio * (near * heads.image[head].abs()).sum() / near.sum()
            lesion = torch.sigmoid(-distance / BORDER) * (distance < REACH) * (white[head] + GREY * grey[head])
            magnitude[head] += lesion * (level * grain[head] - magnitude[head])
            share[head] += lesion * (1 - share[head])
    return torch.where(share > 0, torch.polar(magnitude, heads.image.angle()), heads.image), share


def _traits(contrast: str, generator: torch.Generator) -> tuple[float, float, float]:
    """Draw radius in mm, signal over that of white matter, and offset from the slice in thicknesses."""
    ranges = TABLES["signal"][contrast]
    signal = ranges[int(torch.randint(len(ranges), (), generator=generator))]
    drawn = torch.rand(3, generator=generator).tolist()
    intervals = (TABLES["radius"], signal, (-0.5, 0.5))
    radius, ratio, offset = (low + (high - low) * u for (low, high), u in zip(intervals, drawn, strict=True))
    return radius, ratio, offset
