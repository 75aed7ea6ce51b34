"""What the widgets show, as functions of numbers: panels and a sentence, without any widget.

A lesson calls the same functions for the storyboard that stands where no kernel runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mrilab.anatomy.acquire import add_noise, band_limit
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.contrast import NAMES, TISSUES
from mrilab.data.slices import FINENESS, fine_heads
from mrilab.evaluation.metrics import psnr
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.gfactor import g_factor, sense_unfold
from mrilab.physics.poisson import poisson_mask
from mrilab.physics.psf import largest_sidelobe, point_spread
from mrilab.physics.sampling import effective_acceleration, equispaced_all_mask, random_mask
from mrilab.physics.scale import quantile_scale
from mrilab.physics.signal import inversion_recovery, spin_echo
from mrilab.teach.figures import Panel, View

SEQUENCES = ("spin echo", "inversion recovery")
PRESETS = (
    "everything", "centre only", "edge only", "every R-th line", "every R-th line + centre", "random lines",
    "random points", "half of k-space", "nothing",
)  # fmt: skip
SIDE = 120  # divisible by 1 to 6, so that regular undersampling folds pixels onto pixels


@dataclass(frozen=True)
class Stroke:
    """A disc of k-space, centre and radius in samples from DC, to be sampled or left out."""

    ky: int
    kx: int
    radius: int
    sampled: bool = True


@lru_cache(maxsize=2)
def demonstration_head(seed: int = 10, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """A T2-weighted head (H, W), scaled to 0.99 quantile 1, and its tissue shares (tissue, H, W)."""
    heads = fine_heads(1, (side, side), split="val", generator=torch.Generator().manual_seed(seed))
    shares = torch.nn.functional.avg_pool2d(heads.shares, FINENESS)[0]
    image = band_limit(heads.image[0], (side, side))
    return image / quantile_scale(image), shares


def contrast_view(shares: Tensor, sequence: str, tr: float, te: float, ti: float) -> View:
    """The image of tissue shares (tissue, H, W) at these times in ms, and the signals of brain tissue.

    Times that do not fit into one repetition are shortened, and the sentence says so.
    """
    used_te = min(te, 0.5 * tr)
    used_ti = min(ti, tr - used_te)
    t1, t2, pd = (torch.tensor([getattr(tissue, name) for tissue in TISSUES]) for name in ("t1", "t2", "pd"))
    if sequence == "inversion recovery":
        signals = inversion_recovery(pd, t1, t2, tr, used_te, used_ti).abs()
    else:
        signals = spin_echo(pd, t1, t2, tr, used_te)
    image = torch.einsum("thw,t->hw", shares, signals.to(shares))
    shown = ", ".join(f"{name} {signals[NAMES.index(name)]:.2f}" for name in ("grey matter", "white matter", "csf"))
    times = f"TR {tr:.0f} ms, TE {used_te:.0f} ms"
    if sequence == "inversion recovery":
        times += f", TI {used_ti:.0f} ms"
    shortened = used_te != te or (sequence == "inversion recovery" and used_ti != ti)
    text = f"{times}{' (shortened to fit into TR)' if shortened else ''}. Signals: {shown}."
    return View((Panel(sequence, image, unit="water = 1"),), text)


@lru_cache(maxsize=64)
def preset_mask(name: str, shape: tuple[int, int], acceleration: int, seed: int = 0) -> Tensor:
    """One of PRESETS as a full mask, bool (H, W), not to be written to."""
    height, width = shape
    ky, kx = (torch.arange(n) - n // 2 for n in shape)
    disc = (ky[:, None] / height) ** 2 + (kx / width) ** 2 <= 1 / (torch.pi * acceleration)
    generator = torch.Generator().manual_seed(seed)
    mask = {
        "everything": lambda: torch.ones(1, 1, dtype=torch.bool),
        "nothing": lambda: torch.zeros(1, 1, dtype=torch.bool),
        "centre only": lambda: disc,
        "edge only": lambda: ~disc,
        "every R-th line": lambda: (kx % acceleration == 0)[None],
        "every R-th line + centre": lambda: equispaced_all_mask(shape, acceleration),
        "random lines": lambda: random_mask(shape, acceleration, generator=generator),
        "random points": lambda: poisson_mask(shape, max(acceleration, 1.05), generator=generator),
        "half of k-space": lambda: (kx >= -width // 16)[None],
    }[name]()
    return mask.expand(shape)


def paint(mask: Tensor, strokes: list[Stroke]) -> Tensor:
    """The mask (H, W) after these strokes, in order."""
    mask = mask.clone()
    ky, kx = (torch.arange(n) - n // 2 for n in mask.shape)
    for stroke in strokes:
        disc = (ky[:, None] - stroke.ky) ** 2 + (kx - stroke.kx) ** 2 <= stroke.radius**2
        mask[disc] = stroke.sampled
    return mask


def painter_view(image: Tensor, mask: Tensor) -> View:
    """What a mask (H, W) keeps of the k-space of `image`, the image that is left, and the point-spread function."""
    kspace = fft2c(image)
    kept = kspace * mask
    left = ifft2c(kept)
    limits = (float(kspace.abs().max().log10()) - 4, float(kspace.abs().max().log10()))
    spread, text = torch.zeros_like(image), "Nothing is sampled: there is no image."
    if mask.any():
        spread = point_spread(mask, tuple(mask.shape))
        quality = psnr(left, image)
        text = (
            f"R = {effective_acceleration(mask, tuple(mask.shape)):.2f}, PSNR "
            f"{'infinite' if quality == float('inf') else f'{quality:.1f} dB'}, "
            f"largest sidelobe {100 * largest_sidelobe(mask, tuple(mask.shape)):.0f} % of the peak."
        )
    centre = tuple(slice(n // 2 - 30, n // 2 + 31) for n in mask.shape)
    panels = (
        Panel("sampled k-space", kept, "log", limits=limits),
        Panel("image", left, limits=(0, float(image.abs().max()))),
        Panel("point-spread function (centre)", spread[centre], "map", "of the peak", (0, 0.5)),
    )
    return View(panels, text)


@lru_cache(maxsize=32)
def _maps(n_coils: int, side: int) -> Tensor:
    return random_array(n_coils, torch.Generator().manual_seed(5)).maps((side, side))


def explorer_view(image: Tensor, acceleration: int, n_coils: int, noise_std: float, seed: int = 0) -> View:
    """Regular undersampling of `image` by R with these coils and this noise: aliased, unfolded, error and g-factor.

    noise_std is per real component, relative to the 0.99 quantile of the image.
    """
    shape = tuple(image.shape)
    maps = _maps(n_coils, shape[0])
    mask = preset_mask("every R-th line", shape, acceleration)
    y = add_noise(SenseModel(maps, mask).forward(image), noise_std, torch.Generator().manual_seed(seed)) * mask
    aliased = acceleration * SenseModel(maps, mask).adjoint(y)
    peak = float(image.abs().max())
    panels = [Panel(f"zero-filled, R = {acceleration}", aliased, limits=(0, peak))]
    if n_coils < acceleration:
        text = f"{acceleration} pixels fold onto each other and {n_coils} coils see them: no unique answer."
        return View(tuple(panels), text)
    unfolded = sense_unfold(ifft2c(y), maps, acceleration)
    g = g_factor(maps, acceleration)
    head = image.abs() > 0.1
    panels += [
        Panel("SENSE", unfolded, limits=(0, peak)),
        Panel("error, 5 times enlarged", (unfolded.abs() - image.abs()).abs(), "error", limits=(0, peak / 5)),
        Panel("g-factor", g, "map", "", (1, 4)),
    ]
    text = (
        f"In the head g is {float(g[head].mean()):.2f} on average and {float(g[head].max()):.1f} at most; the noise "
        f"grows by g sqrt(R) = {float(g[head].mean()) * acceleration**0.5:.2f}. "
        f"PSNR {psnr(unfolded, image):.1f} dB."
    )
    return View(tuple(panels), text)
