"""What each tissue looks like: its properties at 3 T, the protocols, and the signals that follow from both.

T1 and T2 in milliseconds. Grey and white matter: Wansapura et al., JMRI 9:531 (1999). CSF: T1 from Lin et al.,
MRM 45:893 (2001). Fat, marrow and muscle: Gold et al., AJR 183:343 (2004). The others are round figures: cortical
bone has little water and loses its signal within a millisecond, dura is dark, so is flowing blood in a spin echo
(its low proton density here stands for the flow void), the vitreous is nearly water, skin lies in between. Proton
densities are relative to water.
"""

from dataclasses import dataclass

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


TISSUES = (
    Tissue("air", 1000.0, 50.0, 0.0),
    Tissue("csf", 4160.0, 1700.0, 1.0, 0.04, 0.07),
    Tissue("grey matter", 1330.0, 110.0, 0.82, 0.04, 0.07),
    Tissue("white matter", 830.0, 80.0, 0.70, 0.04, 0.055),
    Tissue("cortical bone", 220.0, 1.0, 0.20, 0.15),
    Tissue("marrow", 365.0, 133.0, 0.40, 0.15, 0.35),
    Tissue("fat", 371.0, 133.0, 0.70, 0.08, 0.24),
    Tissue("muscle", 1420.0, 32.0, 0.80, grain=0.25),
    Tissue("skin", 900.0, 40.0, 0.65, grain=0.15),
    Tissue("vitreous", 4000.0, 1000.0, 0.98, 0.04),
    Tissue("dura", 900.0, 25.0, 0.45, 0.10),
    Tissue("blood", 1600.0, 40.0, 0.10, 0.30),
)
NAMES = tuple(tissue.name for tissue in TISSUES)
INDEX = {name: index for index, name in enumerate(NAMES)}

# Centre and half-width of each protocol parameter in ms; a slice draws uniformly between. T1 is inversion-prepared, as
# is usual at 3 T, because there a plain spin echo hardly separates grey from white matter.
PROTOCOLS = {
    "t1": {"tr": (2000.0, 100.0), "te": (10.0, 3.0), "ti": (890.0, 40.0)},
    "t2": {"tr": (5000.0, 1000.0), "te": (95.0, 12.0)},
    "pd": {"tr": (3500.0, 800.0), "te": (18.0, 5.0)},
    "flair": {"tr": (9000.0, 500.0), "te": (105.0, 12.0), "ti": (2430.0, 60.0)},
}
CONTRASTS = tuple(PROTOCOLS)
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
    if contrast not in PROTOCOLS:
        raise UserError(f"unknown contrast {contrast!r}; choose one of {', '.join(CONTRASTS)}")
    return {
        name: centre + width * (2 * torch.rand(n, 1, generator=generator) - 1)
        for name, (centre, width) in PROTOCOLS[contrast].items()
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
