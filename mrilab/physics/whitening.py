"""Prewhitening: coils whose noise differs or is correlated become virtual coils with white noise of one size.

Reconstruction weighs all samples alike, which is right for white noise alone (Pruessmann et al., MRM 46, 2001). With
W^H W = Psi^-1 for the coils' noise covariance Psi, the noise of W y is white.
"""

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import ifft1c

OUTER = 0.12  # share of the rows of pixels at each end of the readout that are looked at for noise alone
SINGULAR = 1e-9  # smallest eigenvalue of the noise's correlations that is more than rounding
NOISIER = 3.0  # ratio of the largest to the middle deviation of the coils from which on whitening is worth its risks


def noise_covariance(noise: Tensor) -> Tensor:
    """Return the covariance (coil, coil) of noise samples (coil, n), complex, with equal noise in both components.

    It is E n n^H. For independent coils of deviation s per real component it is 2 s^2 times the identity.

    Raises:
        UserError: fewer samples than four a coil, or samples that are not finite or all zero.
    """
    coils, n = noise.shape
    if n < 4 * coils:
        raise UserError(f"{n} noise samples are too few for the covariance of {coils} coils; {4 * coils} are needed")
    if not torch.isfinite(torch.view_as_real(noise)).all() or not noise.abs().any():
        raise UserError("the noise samples are not finite or all zero; measure the noise again or leave it out")
    centred = (noise - noise.mean(1, keepdim=True)).to(torch.complex128)
    return centred @ centred.mH / (n - 1)


def background_noise(kspace: Tensor, acquired_lines: Tensor) -> Tensor:
    """Return samples (coil, n) that hold as little of the object as a scan without a noise measurement offers.

    Args:
        kspace: (coil, H, W), zero where not sampled. Its readout H is full.
        acquired_lines: bool (W,), the columns with data.

    They are the ends of the readout's field of view, where there is air, from the outer half of the sampled lines,
    where the object has little energy. A part of the object raises all coils alike: ratios are trustworthy, and the
    level is an upper bound.
    """
    columns = acquired_lines.nonzero().flatten()
    far = (columns - kspace.shape[-1] // 2).abs().argsort(descending=True)
    columns = columns[far[: max(1, len(far) // 2)]]
    hybrid = ifft1c(kspace[..., columns], -2)  # (coil, H, lines)
    rows = max(1, round(OUTER * kspace.shape[-2]))
    return torch.cat([hybrid[:, :rows], hybrid[:, -rows:]], 1).flatten(1)


def spread(noise: Tensor) -> float:
    """Return the deviation of the noisiest coil of `noise` (coil, n) over that of the middle one.

    Deviations are told by medians: where a part of the samples holds the object, it does not count.
    """
    middle = noise.abs().median(1).values  # (coil,)
    return float(middle.max() / middle.median().clamp_min(torch.finfo(middle.dtype).tiny))


def whitening_matrix(covariance: Tensor) -> Tensor:
    """Return W (coil, coil) such that the noise of W y is white, with the middle of the coils' deviations.

    W is the inverse of the lower Cholesky factor, times that deviation: the scale of the data stays.

    Raises:
        UserError: a covariance that is singular, as of a coil that is not connected.
    """
    deviations = covariance.diagonal().real.sqrt()
    scale = deviations.clamp_min(torch.finfo(deviations.dtype).tiny)
    if float(torch.linalg.eigvalsh(covariance / (scale[:, None] * scale))[0]) < SINGULAR:  # of the correlations
        raise UserError("the noise covariance is singular: a coil has no noise, or two are the same; leave them out")
    factor = torch.linalg.cholesky(covariance)  # lower
    identity = torch.eye(len(covariance), dtype=covariance.dtype)
    return deviations.median() * torch.linalg.solve_triangular(factor, identity, upper=False)
