"""Several coils: what lines of a one-dimensional scan tell of a Gaussian image, and lines chosen one after the other.

With coils, k-space points are no longer independent: neighbouring lines tell partly the same. So sorting is not enough,
I(X; Y) is a log-determinant, and adding the best line again and again (greedy) is near the best: I is submodular, so
greedy has at least 1 - 1/e of it (Nemhauser et al. 1978), and mostly far more.
"""

import torch
from torch import Tensor

from mrilab.physics.fourier import fft1c


def toy_maps(coils: int, n: int) -> Tensor:
    """Return maps of so many coils along n pixels, complex128 (coil, n): bell curves, or 1 of a single coil."""
    if coils == 1:
        return torch.ones(1, n, dtype=torch.complex128)
    centre = (torch.arange(coils, dtype=torch.float64) + 0.5)[:, None] / coils  # (coil, 1)
    x = torch.arange(n, dtype=torch.float64)[None] / n
    maps = torch.exp(-8 * (x - centre) ** 2 + 0.4j * torch.pi * centre)
    return maps / torch.linalg.vector_norm(maps, dim=0)


def toy_scan(coils: int, n: int) -> tuple[Tensor, Tensor, float]:
    """Return rows, covariance and noise, as the functions below take them, of a scan of n lines in one dimension."""
    distance = (torch.arange(n) - n // 2).double() / (n / 12)
    return encoding(toy_maps(coils, n)), covariance(1 / (1 + distance**2)), 0.01


def encoding(maps: Tensor) -> Tensor:
    """Return the matrix of all lines of all coils, complex128 (line, coil, n), for maps (coil, n): rows of F S_c."""
    n = maps.shape[-1]
    fourier = fft1c(torch.eye(n, dtype=torch.complex128), -2)  # (line, n)
    return fourier[:, None, :] * maps.to(torch.complex128)[None]  # (line, coil, n)


def covariance(spectrum: Tensor) -> Tensor:
    """Return the covariance (n, n) of a stationary complex image whose k-space has the variances `spectrum` (n)."""
    n = len(spectrum)
    fourier = fft1c(torch.eye(n, dtype=torch.complex128), -2)
    return fourier.mH @ (spectrum.to(torch.complex128)[:, None] * fourier)


def lines_information(rows: Tensor, cov: Tensor, noise: float, weight: Tensor) -> Tensor:
    """Return (7), I(X; Y) = log det(I + A C A^H W / noise) in nats, of lines with weights W from 0 to 1 (line).

    rows: A of all lines, (line, coil, n). cov: C (n, n), of a complex image whose parts are equal and independent.
    noise: variance of the complex noise. `weight` may have a gradient. A weight of 1 is a line that is measured.
    """
    a = rows * weight.to(rows.dtype)[:, None, None]  # (line, coil, n)
    n = cov.shape[0]
    # Sylvester: det(I + A C A^H W) = det(I + C A^H W A), n x n whatever the number of samples
    inner = torch.einsum("lci,lcj->ij", rows.conj(), a)  # A^H W A, (n, n)
    return torch.linalg.slogdet(torch.eye(n, dtype=rows.dtype) + cov @ inner / noise).logabsdet


def best_order(rows: Tensor, cov: Tensor, noise: float, count: int) -> list[int]:
    """Return `count` lines in the order in which each adds the most."""
    chosen: list[int] = []
    posterior = cov.clone()
    for _ in range(count):
        gains = _line_gains(rows, posterior, noise)
        gains[chosen] = -torch.inf
        best = int(gains.argmax())
        chosen.append(best)
        a = rows[best]  # (coil, n)
        gram = a @ posterior @ a.mH + noise * torch.eye(len(a), dtype=a.dtype)
        posterior = posterior - posterior @ a.mH @ torch.linalg.solve(gram, a @ posterior)
    return chosen


def _line_gains(rows: Tensor, posterior: Tensor, noise: float) -> Tensor:
    """Return what each line adds to what is known, (line)."""
    gram = rows @ posterior @ rows.mH  # (line, coil, coil)
    eye = torch.eye(rows.shape[1], dtype=rows.dtype)
    return torch.linalg.slogdet(eye + gram / noise).logabsdet
