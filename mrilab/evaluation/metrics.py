"""Image quality against a reference, on magnitudes, with the data range max |reference|.

Numbers of different papers compare only where three choices agree: the reference (here the complex MVUE), the data
range (here its maximum magnitude, never the reconstruction's own), and the pixels (all, or `masked`: those of at
least 5 % of the maximum, the others set to zero in both images, as in appendix A of Jalal et al. 2021).
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
    if min(x.shape[-2:]) < 7:
        raise UserError(f"SSIM needs images of at least 7 x 7 pixels, not {x.shape[-2]} x {x.shape[-1]}")
    # normalised first: the constants of SSIM are squares of the range, which underflow in raw scanner units
    scale = b.max()
    return float(structural_similarity(b / scale, a / scale, data_range=1.0))


def nmse(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the squared error over the squared reference: fastMRI's NMSE."""
    a, b = _magnitudes(x, reference, masked)
    return float(mean_squared_error(b, a) / np.mean(b**2))


def nrmse(x: Tensor, reference: Tensor, masked: bool = False) -> float:
    """Return the root of the NMSE: error norm over reference norm."""
    return nmse(x, reference, masked) ** 0.5


def _magnitudes(x: Tensor, reference: Tensor, masked: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return both magnitudes, float64 (H, W). Raises `UserError` for images that cannot be compared."""
    if x.shape != reference.shape or reference.ndim != 2:
        raise UserError(f"metrics compare two images (H, W), not {tuple(x.shape)} with {tuple(reference.shape)}")
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
