"""What the widgets of lessons 0 and 1 show, as functions of numbers: panels and a sentence, without any widget.

A lesson calls the same functions for the storyboard that stands where no kernel runs.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mrilab.anatomy.acquire import add_noise, band_limit
from mrilab.anatomy.contrast import NAMES, TISSUES
from mrilab.classical.loops import ring_array
from mrilab.data.slices import FINENESS, fine_heads
from mrilab.evaluation.metrics import psnr
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.gfactor import aliased_groups, g_factor, sense_unfold
from mrilab.physics.poisson import poisson_mask
from mrilab.physics.psf import largest_sidelobe, point_spread
from mrilab.physics.sampling import effective_acceleration, equispaced_all_mask, random_mask
from mrilab.physics.scale import quantile_scale
from mrilab.physics.signal import inversion_recovery, spin_echo
from mrilab.physics.support import object_support
from mrilab.teach.figures import Panel, View, error_panel

SEQUENCES = ("spin echo", "inversion recovery")
SIDE = 120  # pixels, divisible by 1 to 6, so that regular undersampling folds pixels onto pixels
PRESETS = {  # masks that broadcast to (H, W), from the shape, R and a generator
    "everything": lambda shape, r, generator: torch.ones(1, 1, dtype=torch.bool),
    "centre only": lambda shape, r, generator: _central_disc(shape, r),
    "edge only": lambda shape, r, generator: ~_central_disc(shape, r),
    "every R-th line": lambda shape, r, generator: (_from_dc(shape[1]) % r == 0)[None],
    "every R-th line + centre": lambda shape, r, generator: equispaced_all_mask(shape, r),
    "random lines": lambda shape, r, generator: random_mask(shape, r, generator=generator),
    "random points": lambda shape, r, generator: poisson_mask(shape, max(r, 1.05), generator=generator),
    "half of k-space": lambda shape, r, generator: (_from_dc(shape[1]) >= -shape[1] // 16)[None],
    "nothing": lambda shape, r, generator: torch.zeros(1, 1, dtype=torch.bool),
}


@dataclass(frozen=True)
class Stroke:
    """A disc of k-space to be sampled or left out. Its centre and its radius are in samples from DC."""

    ky: int
    kx: int
    radius: int
    sampled: bool = True


@lru_cache(maxsize=2)
def demonstration_head(seed: int = 10, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """Return a T2-weighted head (H, W), scaled to 0.99 quantile 1, and its tissue shares (tissue, H, W)."""
    heads = fine_heads(1, (side, side), split="val", generator=torch.Generator().manual_seed(seed))
    shares = torch.nn.functional.avg_pool2d(heads.shares, FINENESS)[0]  # (tissue, H, W)
    image = band_limit(heads.image[0], (side, side))  # (H, W)
    return image / quantile_scale(image), shares


def contrast_view(shares: Tensor, sequence: str, tr: float, te: float, ti: float) -> View:
    """Return the image of tissue shares (tissue, H, W) at these times in ms, and the signals of brain tissue.

    Times that do not fit into one repetition are shortened, and the sentence says so.
    """
    inverts = sequence == "inversion recovery"
    used_te = min(te, 0.5 * tr)
    used_ti = min(ti, tr - used_te)
    t1, t2, pd = (torch.tensor([getattr(tissue, name) for tissue in TISSUES]) for name in ("t1", "t2", "pd"))
    if inverts:
        signals = inversion_recovery(pd, t1, t2, tr, used_te, used_ti).abs()  # (tissue,)
    else:
        signals = spin_echo(pd, t1, t2, tr, used_te)  # (tissue,)
    image = torch.einsum("thw,t->hw", shares, signals.to(shares))
    shown = ", ".join(f"{name} {signals[NAMES.index(name)]:.2f}" for name in ("grey matter", "white matter", "csf"))
    times = f"TR {tr:.0f} ms, TE {used_te:.0f} ms" + (f", TI {used_ti:.0f} ms" if inverts else "")
    shortened = used_te != te or (inverts and used_ti != ti)
    text = f"{times}{' (shortened to fit into TR)' if shortened else ''}. Signals: {shown}."
    return View((Panel(sequence, image, unit="water = 1"),), text)


def _from_dc(n: int) -> Tensor:
    """Return the indices (n,) of a line of samples, 0 at DC."""
    return torch.arange(n) - n // 2


def _central_disc(shape: tuple[int, int], acceleration: int) -> Tensor:
    """Return the disc around DC that holds one in `acceleration` samples, bool (H, W)."""
    ky, kx = (_from_dc(n) / n for n in shape)
    return ky[:, None] ** 2 + kx**2 <= 1 / (torch.pi * acceleration)


@lru_cache(maxsize=64)
def preset_mask(name: str, shape: tuple[int, int], acceleration: int, seed: int = 0) -> Tensor:
    """Return one of PRESETS as a full mask, bool (H, W), not to be written to."""
    return PRESETS[name](shape, acceleration, torch.Generator().manual_seed(seed)).expand(shape)


def paint(mask: Tensor, strokes: list[Stroke]) -> Tensor:
    """Return the mask (H, W) after these strokes, in order."""
    mask = mask.clone()
    ky, kx = (_from_dc(n) for n in mask.shape)
    for stroke in strokes:
        disc = (ky[:, None] - stroke.ky) ** 2 + (kx - stroke.kx) ** 2 <= stroke.radius**2
        mask[disc] = stroke.sampled
    return mask


def painter_view(image: Tensor, mask: Tensor) -> View:
    """Return what a mask (H, W) keeps of the k-space of `image`, the image from it, and the point-spread function."""
    shape = mask.shape[0], mask.shape[1]
    kspace = fft2c(image)
    left = ifft2c(kspace * mask)
    top = float(kspace.abs().max().log10())
    spread, text = torch.zeros_like(image), "Nothing is sampled: there is no image."
    if mask.any():
        spread = point_spread(mask, shape)
        text = (
            f"R = {effective_acceleration(mask, shape):.2f}, PSNR {_decibels(left, image)}, "
            f"largest sidelobe {100 * largest_sidelobe(mask, shape):.0f} % of the peak."
        )
    panels = (
        Panel("sampled k-space", kspace * mask, "log", limits=(top - 4, top)),
        Panel("image", left, limits=(0, float(image.abs().max()))),
        Panel("point-spread function", spread, "map", "of the peak", (0, 0.5)),
    )
    return View(panels, text)


def explorer_view(
    image: Tensor, acceleration: int, n_coils: int, noise_std: float, seed: int = 0, use_support: bool = True
) -> View:
    """Undersample `image` (side, side) regularly: aliased, unfolded by SENSE, error and g-factor.

    noise_std is per real component, relative to the 0.99 quantile of the image. Unless `use_support` is False, only
    pixels of the object are unknowns. The loops lie in one row: all of them tell pixels of the slice apart.
    """
    maps = _maps(n_coils, image.shape[0])  # (coil, H, W)
    mask = preset_mask("every R-th line", (image.shape[0], image.shape[1]), acceleration)
    model = SenseModel(maps, mask)
    y = add_noise(model.forward(image), noise_std, torch.Generator().manual_seed(seed)) * mask
    peak = float(image.abs().max())
    aliased = Panel(f"zero-filled, R = {acceleration}", acceleration * model.adjoint(y), limits=(0, peak))
    support = object_support(image) if use_support else torch.ones_like(image, dtype=torch.bool)
    unknowns = int(aliased_groups(support, acceleration).sum(-1).max())
    if n_coils < unknowns:
        text = f"Up to {unknowns} pixels fold onto each other and {n_coils} coils see them: no unique answer."
        return View((aliased,), text)
    unfolded = sense_unfold(ifft2c(y), maps, acceleration, support=support)
    g = g_factor(maps, acceleration, support=support)
    in_head = g[(image.abs() > 0.1) & support]  # (pixels of the head,)
    panels = (
        aliased,
        Panel("SENSE", unfolded, limits=(0, peak)),
        error_panel("error, 5 times enlarged", unfolded, image, peak),
        Panel("g-factor", g, "map", "", (0, 4)),
    )
    text = (
        f"In the head g is {float(in_head.mean()):.2f} on average and {float(in_head.max()):.1f} at most; the noise "
        f"grows by g sqrt(R) = {float(in_head.mean()) * acceleration**0.5:.2f}. PSNR {_decibels(unfolded, image)}."
    )
    return View(panels, text)


@lru_cache(maxsize=32)
def _maps(n_coils: int, side: int) -> Tensor:
    return ring_array(n_coils, torch.Generator().manual_seed(5)).maps((side, side))


def _decibels(x: Tensor, reference: Tensor) -> str:
    quality = psnr(x, reference)
    return "infinite" if quality == float("inf") else f"{quality:.1f} dB"
