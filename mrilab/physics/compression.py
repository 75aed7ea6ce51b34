"""Coil compression: a few virtual coils that hold nearly all of the signal of many.

One matrix serves the whole image (Buehrer et al., MRM 57, 2007), or each position along the readout has its own, which
keeps more, because the coils that matter differ from place to place (geometric: Zhang et al., MRM 69, 2013).
"""

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import fft1c, ifft1c


def compression_matrix(samples: Tensor, coils: int) -> Tensor:
    """Return the matrix (coils, coil) of the virtual coils with the most energy, complex, with orthonormal rows.

    `samples` are k-space (coil, ...) with zeros where nothing was measured, as best the calibration region. The rows
    are the left singular vectors of the samples, so white noise stays white.

    Raises:
        UserError: fewer than one virtual coil, or more than there are coils.
    """
    if not 1 <= coils <= len(samples):
        raise UserError(f"{len(samples)} coils cannot be compressed to {coils}; give a number from 1 to {len(samples)}")
    flat = samples.flatten(1)  # (coil, samples)
    # eigenvectors of the coils' covariance: the singular vectors, without a matrix as long as the samples
    _, vectors = torch.linalg.eigh(flat @ flat.mH)  # eigenvalues ascend
    return vectors[:, -coils:].flip(1).mH.resolve_conj()


def kept_energy(samples: Tensor, matrix: Tensor) -> float:
    """Return the share of the energy of `samples` (coil, ...) that the virtual coils of `matrix` keep, from 0 to 1."""
    return float((matrix @ samples.flatten(1)).abs().square().sum() / samples.abs().square().sum())


def combine(matrix: Tensor, kspace: Tensor) -> Tensor:
    """Return k-space, or images, of virtual coils: (new, coil) and (..., coil, H, W) -> (..., new, H, W)."""
    return torch.einsum("vc,...chw->...vhw", matrix, kspace)


def geometric_matrices(samples: Tensor, coils: int) -> Tensor:
    """Return the matrices (H, coils, coil) of the virtual coils at each position along a fully sampled readout.

    `samples` are k-space (coil, H, n) of calibration lines. Virtual coils are any rotation of each other, so each
    position's are turned to lie as near as can be to its neighbour's, beginning in the middle: without that they would
    jump along the readout, and no smooth maps would describe them.

    Raises:
        UserError: as `compression_matrix`.
    """
    hybrid = ifft1c(samples, -2).movedim(-2, 0)  # (H, coil, n)
    matrices = [compression_matrix(position, coils) for position in hybrid]
    middle = len(matrices) // 2
    for along in (range(middle + 1, len(matrices)), range(middle - 1, -1, -1)):
        before = matrices[middle]
        for n in along:
            # the rotation R with the least |R A - B|: R = U V^H for B A^H = U D V^H    (orthogonal Procrustes)
            u, _, vh = torch.linalg.svd(before @ matrices[n].mH)
            before = matrices[n] = u @ vh @ matrices[n]
    return torch.stack(matrices)


def combine_along(matrices: Tensor, kspace: Tensor) -> Tensor:
    """Return k-space (new, H, W) of `kspace` (coil, H, W), combined by the matrix (new, coil) of each position."""
    return fft1c(torch.einsum("hvc,chw->vhw", matrices, ifft1c(kspace, -2)), -2)
