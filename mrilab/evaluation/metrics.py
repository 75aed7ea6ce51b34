"""Image quality against a reference, on magnitudes, with the data range max |reference|.

Numbers of different papers compare only where three choices agree: the reference (here the complex MVUE), the data
range (here its maximum magnitude, never the reconstruction's own), and the pixels (all, or `masked`: those of at
least 5 % of the maximum, the others set to zero in both images, as in appendix A of Jalal et al. 2021).

`psnr_volume` and `ssim_volume` are those of fastMRI's evaluate.py (Zbontar et al. 2018): the data range is the maximum
of the whole reference volume, by which the dark slices at its ends look better than by their own. fastMRI holds
them against its RSS images, cropped to the centre; here the reference is the MVUE, whole.
"""

import numpy as np
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from mrilab.errors import UserError

MASK_LEVEL = 0.05  # share of the maximum magnitude below which a pixel is not of the object


def psnr(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the peak signal-to-noise ratio in dB, 20 log10(max |reference| / RMSE); infinite for equal images."""
    a, b = _magnitudes(x, reference, masked)
    return float("inf") if np.array_equal(a, b) else float(peak_signal_noise_ratio(b, a, data_range=b.max()))


def ssim(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the structural similarity (Wang et al. 2004) over 7 x 7 uniform windows, K1 = 0.01, K2 = 0.03, as fastMRI.

    Raises `UserError` for an image of fewer than 7 x 7 pixels.
    """
    a, b = _magnitudes(x, reference, masked)
    return _ssim(a / b.max(), b / b.max())  # normalised first: in raw scanner units the constants underflow


def nmse(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the squared error over the squared reference: fastMRI's NMSE."""
    a, b = _magnitudes(x, reference, masked)
    return float(mean_squared_error(b, a) / np.mean(b**2))


def nrmse(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the root of the NMSE: error norm over reference norm."""
    return nmse(x, reference, masked) ** 0.5


def psnr_volume(x: Tensor, reference: Tensor) -> float:
    """Return the PSNR in dB of a volume (slices, H, W), 20 log10(max |reference| / RMSE), both over all slices."""
    a, b = _magnitudes(x, reference, rank=3)
    return float("inf") if np.array_equal(a, b) else float(peak_signal_noise_ratio(b, a, data_range=b.max()))


def ssim_volume(x: Tensor, reference: Tensor) -> float:
    """Return the mean SSIM of the slices of a volume (slices, H, W), with the range of the volume.

    Raises `UserError` as `ssim` does.
    """
    a, b = _magnitudes(x, reference, rank=3)
    return float(np.mean([_ssim(*pair) for pair in zip(a / b.max(), b / b.max(), strict=True)]))


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Return the SSIM of two magnitudes (H, W) in units of the data range. The constants of SSIM are squares of it."""
    if min(a.shape) < 7:
        raise UserError(f"SSIM needs images of at least 7 x 7 pixels, not {a.shape[0]} x {a.shape[1]}")
    return float(structural_similarity(b, a, data_range=1.0))


def _magnitudes(x: Tensor, reference: Tensor, masked: bool = False, rank: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return both magnitudes, float64, of images (H, W) or, for a rank of 3, of volumes (slices, H, W).

    Raises `UserError` for images that cannot be compared.
    """
    if x.shape != reference.shape or reference.ndim != rank:
        what = "images (H, W)" if rank == 2 else "volumes (slices, H, W)"
        raise UserError(f"metrics compare two {what}, not {tuple(x.shape)} with {tuple(reference.shape)}")
    # float64: at 1e-6 of raw scanner units, squares in float32 lose half of their digits
    magnitudes = [np.abs(image.detach().cpu().resolve_conj().numpy()).astype(np.float64) for image in (x, reference)]
    peak = magnitudes[1].max()
    if not (np.isfinite(magnitudes).all() and peak > 0):
        raise UserError("metrics need finite images and a reference that is not all zero")
    if masked:
        outside = magnitudes[1] < MASK_LEVEL * peak
        for image in magnitudes:
            image[outside] = 0
    return magnitudes[0], magnitudes[1]
