"""Coil images into one image (MVUE, RSS), and where coil maps come from when nobody knows them."""

import warnings

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.espirit import espirit, virtual_coil
from mrilab.physics.fourier import centre_crop, centre_pad, ifft2c
from mrilab.physics.lines import centre_lines
from mrilab.physics.sampling import FEWEST_LINES, acs_lines, calibration_block, calibration_box

MOST_LINES = 24  # largest side of the calibration region
KERNEL = 6  # side of ESPIRiT's kernel, where the calibration region holds twice that


def rss(kspace: Tensor) -> Tensor:
    """Return the root sum of squares of the coil images, biased upwards by noise. (..., coil, H, W) -> (..., H, W)."""
    return ifft2c(kspace).abs().square().sum(-3).sqrt()


def mvue(kspace: Tensor, coil_maps: Tensor) -> Tensor:
    """Return the minimum-variance unbiased estimate sum_c S_c^* F^-1 y_c / sqrt(sum_c |S_c|^2), complex (..., H, W).

    With maps whose squares sum to 1 it is the least-squares solution for full sampling. Where the maps vanish it is 0.
    Jalal et al. 2021, section 2.
    """
    combined = (ifft2c(kspace) * coil_maps.conj()).sum(-3)  # (..., coil, H, W) -> (..., H, W)
    norm = coil_maps.abs().square().sum(-3).sqrt()
    return torch.where(norm > 0, combined / norm.clamp(min=torch.finfo(norm.dtype).tiny), 0)


def normalise_maps(coil_maps: Tensor) -> Tensor:
    """Scale maps so that sum_c |S_c|^2 = 1 wherever they are not all zero. Needed again after any crop."""
    norm = coil_maps.abs().square().sum(-3, keepdim=True).sqrt()
    return torch.where(norm > 0, coil_maps / norm.clamp(min=torch.finfo(norm.dtype).tiny), 0)


def low_resolution_maps(kspace: Tensor, calibration: tuple[int, int]) -> Tensor:
    """Divide low-resolution coil images by their root sum of squares (McKenzie et al. 2002). (coil, H, W) -> same.

    Only the central `calibration` box is used. Where the object is dark at low resolution, the ratio is noise.
    """
    # A Hann window against Gibbs ringing costs half of the resolution. Five lines have none to give away: with one,
    # maps were so wrong that L1-wavelet at R = 8 lost 7 dB on validation heads.
    windows = (torch.hann_window(n + 2, periodic=False)[1:-1] if n >= 16 else torch.ones(n) for n in calibration)
    centre = centre_crop(kspace, calibration) * torch.outer(*windows).to(kspace.device)
    low = ifft2c(centre_pad(centre, (kspace.shape[-2], kspace.shape[-1])))
    # the phase of the virtual coil is taken out, so that the anatomy's phase stays in the image
    return normalise_maps(low * torch.sgn(torch.einsum("c,chw->hw", virtual_coil(centre), low)).conj())


def estimate_maps(kspace: Tensor, mask: Tensor, prescan: Tensor | None = None) -> tuple[Tensor, str]:
    """Estimate coil maps from what was really measured, and say in a word where they come from.

    Args:
        kspace: (coil, H, W), unsampled points ignored.
        mask: bool, broadcastable to (H, W): the points that count as sampled.
        prescan: (coil, h, w) fully sampled k-space around DC from a separate scan, in place of the ACS (the CSGM
            paper's practice is a 24 x 24 region of the fully sampled scan itself).

    Returns coil maps (coil, H, W) with squares summing to 1, and "acs 24x10", "low-resolution acs 24x5" or "prescan
    24x24". The calibration region is the `calibration_block`, at most 24 x 24. The kernel is at most half of it.
    Below 8 lines the low-resolution maps take the place of ESPIRiT, with a warning.

    Raises:
        UserError: the centre of k-space is not sampled at all, or is all zero.
    """
    height, width = kspace.shape[-2:]
    coils = len(kspace)
    if prescan is None:
        source, (top, left, *sides) = "acs", calibration_block(mask, (height, width), MOST_LINES)
        box = (sides[0], sides[1])
        calibration = kspace[:, top : top + box[0], left : left + box[1]]
    elif len(prescan) == coils:
        source, box = "prescan", (min(MOST_LINES, prescan.shape[-2]), min(MOST_LINES, prescan.shape[-1]))
        calibration = centre_crop(prescan, box)
    else:
        raise UserError(f"the prescan has {len(prescan)} coils, the scan {coils}; give one of the same coils")
    if 0 in box:
        raise UserError("the centre of k-space is not sampled, so coil maps cannot be estimated; give a prescan")
    if not calibration.abs().any():
        raise UserError("the calibration region of k-space is all zero, so coil maps cannot be estimated")
    label = f"{source} {box[0]}x{box[1]}"
    padded = centre_pad(calibration, (height, width))
    if min(box) < FEWEST_LINES:
        warnings.warn(
            f"only {min(box)} fully sampled lines around the centre of k-space: coil maps at low resolution instead of "
            "ESPIRiT",
            stacklevel=2,
        )
        return low_resolution_maps(padded, box), f"low-resolution {label}"
    return espirit(padded, calibration=box, kernel=min(KERNEL, min(box) // 2)), label


def calibration_lines(mask: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the points of a mask that the sensitivity network is to see, bool (1, W) or (H, W).

    These are the fully sampled columns around DC, at most as many as `calibration_width` gives: the network is trained
    on vertical lines. A mask that has none (horizontal lines, points) leaves the fully sampled box around DC, at most
    24 x 24. Those are fewer points, but they give the same kind of image, one without aliases.

    Raises:
        UserError: DC is not sampled.
    """
    height, width = shape
    columns, most = mask.expand(shape).all(0).cpu(), min(calibration_width(width), width)
    count = 0
    while count < most and columns[centre_lines(width, count + 1)].all():
        count += 1
    if count:
        return centre_lines(width, count)[None].to(mask.device)
    box = calibration_box(mask, shape)
    if 0 in box:
        raise UserError("the centre of k-space is not sampled, so the network cannot estimate coil maps")
    return (centre_lines(height, box[0])[:, None] & centre_lines(width, box[1])[None]).to(mask.device)


def calibration_width(width: int, acceleration: float = 1) -> int:
    """Return the number of calibration columns in training: that of `acs_lines`, but enough for ESPIRiT."""
    return max(acs_lines(width, acceleration), FEWEST_LINES)
