"""What each tissue looks like: its properties at 3 T, the protocols, and the signals that follow from both.

Their values and sources are in `contrast.toml`.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.signal import inversion_recovery, spin_echo


@dataclass(frozen=True)
class Tissue:
    """Relaxation times in ms, proton density relative to water, and how much the signal varies.

    `spread` is the relative standard deviation from head to head, `grain` that inside the tissue: fibres, fat lobules,
    iron, partial volume.
    """

    name: str
    t1: float
    t2: float
    pd: float
    spread: float = 0.06
    grain: float = 0.03


TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
TISSUES = tuple(Tissue(name, **properties) for name, properties in TABLES["tissues"].items())
NAMES = tuple(TABLES["tissues"])
INDEX = {name: index for index, name in enumerate(NAMES)}
CONTRASTS = tuple(TABLES["protocols"])
FAT_LEFT = (0.35, 0.9)  # lowest and highest share of the fat signal that suppression and chemical shift leave


def relaxation(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw T1, T2 (ms) and proton density of every tissue in `n` heads, each (n, tissue)."""
    table = torch.tensor([(tissue.t1, tissue.t2, tissue.pd) for tissue in TISSUES])  # (tissue, 3)
    spread = torch.tensor([tissue.spread for tissue in TISSUES])[:, None]
    drawn = table * torch.exp(spread * torch.randn(n, *table.shape, generator=generator))
    t1, t2, pd = drawn.unbind(-1)
    return t1, t2, pd


def protocol(contrast: str, n: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw TR, TE and, with inversion, TI in ms, each (n, 1).

    Raises:
        UserError: `contrast` is not one of t1, t2, pd, flair.
    """
    if contrast not in CONTRASTS:
        raise UserError(f"unknown contrast {contrast!r}; choose one of {', '.join(CONTRASTS)}")
    return {
        name: centre + width * (2 * torch.rand(n, 1, generator=generator) - 1)
        for name, (centre, width) in TABLES["protocols"][contrast].items()
    }


def signal(t1: Tensor, t2: Tensor, pd: Tensor, times: dict[str, Tensor]) -> Tensor:
    """Return the signal's magnitude: inversion recovery where the protocol has a TI, a spin echo otherwise."""
    sequence = inversion_recovery if "ti" in times else spin_echo
    return sequence(pd, t1, t2, **times).abs()


def clinical_signals(contrast: str, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw signals (n, tissue) and their relative change (n, tissue) per unit of "whiteness" of the brain tissue.

    Whiteness runs from 0 (average grey matter) to 1 (average white matter); deep nuclei and lightly myelinated
    white matter lie in between. Their T1, T2 and PD follow the grey-to-white line in the logarithm, and the
    change is the finite difference of the signal along it.
    """
    t1, t2, pd = relaxation(n, generator)
    times = protocol(contrast, n, generator)
    low, high = FAT_LEFT
    pd[:, [INDEX["fat"], INDEX["marrow"]]] *= low + (high - low) * torch.rand(n, 1, generator=generator)
    signals = signal(t1, t2, pd, times)
    step = 0.05
    grey, white = INDEX["grey matter"], INDEX["white matter"]
    t1, t2, pd = (value * (value[:, [white]] / value[:, [grey]]) ** step for value in (t1, t2, pd))
    change = (signal(t1, t2, pd, times) - signals) / (step * signals.clamp_min(1e-12))
    is_brain = torch.zeros(len(TISSUES))
    is_brain[[grey, white]] = 1
    return signals, change * is_brain
