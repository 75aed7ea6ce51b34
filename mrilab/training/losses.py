"""Losses of reconstructed images that gradients pass through: structural similarity, and the mean error beside it."""

from torch import Tensor
from torch.nn.functional import avg_pool2d

WINDOW = 7  # pixels, side of the windows
C1 = 0.01**2  # (K1 L)^2 for the data range L = 1
C2 = 0.03**2  # (K2 L)^2


def ssim(x: Tensor, reference: Tensor) -> Tensor:
    """Return the SSIM of the magnitudes of complex images, (n, H, W) -> (n,), as `mrilab.evaluation.ssim` measures it.

    The data range is max |reference| of each image. MONAI's SSIM divides by the number of pixels instead of one less.
    """
    reference = reference.abs()
    peak = reference.amax((-2, -1), keepdim=True)
    x, reference = (x.abs() / peak)[:, None], (reference / peak)[:, None]  # (n, 1, H, W)

    def mean(values: Tensor) -> Tensor:
        return avg_pool2d(values, WINDOW, stride=1)

    sample = WINDOW**2 / (WINDOW**2 - 1)
    mean_x, mean_r = mean(x), mean(reference)
    variances = sample * (mean(x.square() + reference.square()) - mean_x.square() - mean_r.square())
    covariance = sample * (mean(x * reference) - mean_x * mean_r)
    similar = (2 * mean_x * mean_r + C1) * (2 * covariance + C2)
    return (similar / ((mean_x.square() + mean_r.square() + C1) * (variances + C2))).mean((1, 2, 3))


def distance(x: Tensor, clean: Tensor) -> Tensor:
    """Return mean |x - clean| over mean |clean|, (..., n, H, W) -> (...)."""
    return ((x - clean).abs().mean((-2, -1)) / clean.abs().mean((-2, -1))).mean(-1)


def final(states: Tensor, clean: Tensor, t: Tensor | None = None) -> Tensor:
    """Return 1 - SSIM of the last state."""
    return (1 - ssim(states[-1], clean)).mean()


def composite(states: Tensor, clean: Tensor, t: Tensor | None = None) -> Tensor:
    """Return 1 - SSIM of the last state, and the mean error over the mean image."""
    return final(states, clean) + distance(states[-1], clean)
