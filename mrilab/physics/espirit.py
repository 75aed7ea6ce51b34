"""ESPIRiT: coil maps as eigenvectors of a reconstruction operator (Uecker et al., Magn Reson Med 2014; 71:990)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import centre_crop

BLOCK = 2**22  # numbers of the operator that are held at once: 32 MiB, and its eigenvectors as much


def espirit(
    kspace: Tensor,
    calibration: int | tuple[int, int] = 24,
    kernel: int = 6,
    threshold: float = 0.02,
    crop: float = 0.0,
) -> Tensor:
    """Estimate one set of coil maps from the calibration region of k-space. (coil, H, W) -> (coil, H, W) complex64.

    Args:
        kspace: (coil, H, W); only the central `calibration` box is read.
        calibration: side, or (h, w), of the fully sampled box around DC.
        kernel: side of the k-space neighbourhood; at most half of the calibration box.
        threshold: singular values below this part of the largest belong to the null space (sigpy's 0.02; BART's
            `ecalib -t` compares squares, 0.0004).
        crop: maps are set to zero where the eigenvalue is below this. 0 keeps them everywhere, as the CSGM paper does
            (`ecalib -c0`); 0.95 cuts out the background.

    The phase, which the eigenvector leaves free, is relative to the first principal component of the coils, as in BART.

    Raises:
        UserError: a calibration region that is not inside the grid or too small for the kernel, or that is all zero.
    """
    box = (calibration, calibration) if isinstance(calibration, int) else calibration
    shape = (kspace.shape[-2], kspace.shape[-1])
    if min(box) < 2 * kernel or box[0] > shape[0] or box[1] > shape[1]:
        raise UserError(
            f"a calibration region of {box[0]} x {box[1]} must lie inside the {shape[0]} x {shape[1]} grid and hold "
            f"twice the kernel of {kernel}; use a smaller kernel or low_resolution_maps"
        )
    acs = centre_crop(kspace, box).to(torch.complex64)
    scale = acs.abs().max()
    if not scale > 0:
        raise UserError("the calibration region of k-space is all zero; check the scan")
    acs = acs / scale
    lags = _kernel_correlation(acs, kernel, threshold)  # (coil, coil, 2k-1, 2k-1)
    # The operator's lags reach only +-(k-1): it is so smooth that half the grid holds it
    half = [max(-(-n // 2), 2 * kernel) for n in shape]
    parts = []
    for operator in _to_image(lags, (half[0], half[1])):  # (rows, w, coil, coil), Hermitian, eigenvalues 0 to 1
        each, vectors = torch.linalg.eigh(operator)
        parts.append((each[..., -1].clone(), vectors[..., -1].clone()))  # a view would keep all of them
    values, maps = (torch.cat(part) for part in zip(*parts, strict=True))
    # maps is (h, w, coil): the eigenvector of the largest eigenvalue, near 1 on the object
    maps = maps * torch.sgn(maps @ virtual_coil(acs)).conj()[..., None]
    maps = _enlarge(maps.permute(2, 0, 1), shape)  # (coil, H, W)
    maps = maps / maps.abs().square().sum(0).sqrt()
    if crop > 0:
        eigenvalue = _enlarge(values.to(maps.dtype)[None], shape).real[0]  # (H, W)
        maps = maps * (eigenvalue > crop)
    return maps


def _kernel_correlation(acs: Tensor, k: int, threshold: float) -> Tensor:
    """Fold the projection onto the signal space of k x k patches to its dependence on the lag.

    V_parallel V_parallel^H of the calibration matrix, (coil k k, coil k k), summed over all pairs of points with the
    same difference: the Fourier coefficients of the operator that eq. (20) of the paper gets kernel by kernel.
    """
    coils = acs.shape[0]
    patches = acs.unfold(1, k, 1).unfold(2, k, 1)  # (coil, ny, nx, k, k)
    matrix = patches.permute(1, 2, 0, 3, 4).reshape(-1, coils * k * k)  # (patches, coil k k)
    values, vectors = torch.linalg.eigh(matrix.mT @ matrix.conj())  # sum of p p^H: squared singular values, ascending
    signal = vectors[:, values > threshold**2 * values[-1]]
    projector = (signal @ signal.mH).reshape(coils, k, k, coils, k, k)
    lags = torch.zeros(coils, coils, 2 * k - 1, 2 * k - 1, dtype=acs.dtype, device=acs.device)
    for y in range(k):
        for x in range(k):
            # point (y, x) of the second coil against all points of the first: lags y' - y, x' - x
            block = projector[:, :, :, :, y, x].permute(0, 3, 1, 2)  # (coil, coil, k, k)
            lags[:, :, k - 1 - y : 2 * k - 1 - y, k - 1 - x : 2 * k - 1 - x] += block
    return lags / (k * k)


def _to_image(lags: Tensor, shape: tuple[int, int]) -> Iterator[Tensor]:
    """Sum the Fourier series of the lags, with the centre at N // 2. (coil, coil, L, L) -> (rows, w, coil, coil).

    Some rows at a time, from the first to the last: of all together the operator of many coils would fill the memory.
    """
    k = (lags.shape[-1] + 1) // 2
    transforms = []
    for n in shape:
        position = (torch.arange(n) - n // 2) / n
        lag = torch.arange(1 - k, k)
        transforms.append(torch.exp(2j * torch.pi * position[:, None] * lag[None, :]).to(lags))
    # the series is short, so two small matrix products beat an FFT of a mostly empty grid
    for rows in transforms[0].split(max(1, BLOCK // (shape[1] * len(lags) ** 2))):
        operator = torch.einsum("yp,abpq,xq->yxab", rows, lags, transforms[1])
        yield (operator + operator.mH) / 2


def virtual_coil(calibration: Tensor) -> Tensor:
    """Return the weights (coil,) of the coils' first principal component, on which BART bases the free phase of maps.

    `calibration` is (coil, h, w).
    """
    data = calibration.flatten(1)  # (coil, points)
    return torch.linalg.eigh(data @ data.mH)[1][:, -1].conj()


def _enlarge(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Interpolate from the half grid to the full one, keeping N // 2 at N // 2. (C, h, w) -> (C, H, W)."""
    (h, w), (height, width) = maps.shape[-2:], shape
    rows, columns = (
        ((torch.arange(n, device=maps.device) - n // 2) * (m / n) + m // 2) for n, m in ((height, h), (width, w))
    )
    return _cubic(_cubic(maps, rows, -2), columns, -1)


def _cubic(values: Tensor, positions: Tensor, dim: int) -> Tensor:
    """Interpolate along one dimension (Catmull-Rom); periodic, as everything is that a discrete k-space describes."""
    n = values.shape[dim]
    base = positions.floor()
    t = (positions - base).to(values.real.dtype)
    index = base.long()
    weights = (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    shape = [1, 1, 1]
    shape[dim] = -1
    total = torch.zeros(())
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        total = total + values.index_select(dim, (index + offset) % n) * weight.reshape(shape)
    return total
