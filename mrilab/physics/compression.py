"""Coil compression: a few virtual coils that hold nearly all of the signal of many (Buehrer et al., MRM 57, 2007)."""

import torch
from torch import Tensor

from mrilab.errors import UserError


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
