"""What every unrolled network returns for an `Acquisition`: all images on the way to the last one."""

from typing import NamedTuple

from torch import Tensor


class Trajectory(NamedTuple):
    """Hold the images that a network goes through, complex (n, H, W) each, for a batch of `n` acquisitions.

    states: (K + 1, n, H, W), x^0 to x^K.
    denoised: (K, n, H, W), what the denoiser N of FLAT made of x^0 to x^{K-1}.
    asymmetry: scalar, the mean square of H~(H(x)) - x over all phases of ISTA-Net+, which is part of its loss.
    """

    states: Tensor
    denoised: Tensor | None = None
    asymmetry: Tensor | None = None

    @property
    def image(self) -> Tensor:
        """Return the reconstruction x^K, (n, H, W)."""
        return self.states[-1]
