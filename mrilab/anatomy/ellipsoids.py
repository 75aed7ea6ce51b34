"""Slices through ellipsoids: phantoms whose k-space is known exactly, as a formula, at any frequency.

An ellipse with semi-axes (a, b) turned by t about its centre c has the Fourier transform
    F(k) = a b J1(2 pi q) / q  exp(-2 pi i k . c),   q = |(a k_x', b k_y')|,   k' = k turned by -t
(Van de Walle et al., IEEE Trans. Med. Imaging 19, 2000; in 3-D: Koay et al., Magn. Reson. Med. 58, 2007).
Multiplied by a coil sensitivity that is a sum of plane waves, the transform becomes a sum of shifted copies of itself.
So coil images have exact k-space too (Guerquin-Kern et al., IEEE Trans. Med. Imaging 31, 2012). Nothing here is
sampled before it is transformed: pixels show the truncation (Gibbs) and the partial volume of a real scan.

Lengths in fields of view, frequencies in cycles per field of view; y points down, as rows do.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.anatomy.arrays import CoilArray, pixel_coordinates


@dataclass(frozen=True)
class Ellipses:
    """A sum of uniform ellipses: amplitude, centre y and x, semi-axes a (along x) and b (along y), angle (rad).

    Each is a float64 tensor (ellipse,). The amplitude may be complex.
    """

    amplitude: Tensor
    y: Tensor
    x: Tensor
    a: Tensor
    b: Tensor
    angle: Tensor

    def _turned(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the components (ellipse, ...) of the vectors (x: u, y: v) along each ellipse's own axes."""
        cos, sin = (f(self.angle).reshape(-1, *(1,) * (u.ndim - 1)) for f in (torch.cos, torch.sin))
        return u * cos + v * sin, v * cos - u * sin

    def spectrum(self, ky: Tensor, kx: Tensor) -> Tensor:
        """Return the Fourier transform, complex128 (K, L), at frequencies ky (K, 1) and kx (1, L)."""
        ky, kx = torch.broadcast_tensors(ky.double(), kx.double())
        total = torch.zeros_like(ky, dtype=torch.complex128)
        u, v = self._turned(kx[None], ky[None])  # (ellipse, K, L)
        for i in range(len(self.a)):
            q = torch.hypot(self.a[i] * u[i], self.b[i] * v[i])
            tiny = q < 1e-8  # J1(2 pi q) / q -> pi, with an error of order q^2
            disc = torch.where(tiny, torch.pi, torch.special.bessel_j1(2 * torch.pi * q) / q.clamp(min=1e-8))
            shift = -2 * torch.pi * (ky * self.y[i] + kx * self.x[i])
            total += self.amplitude[i] * self.a[i] * self.b[i] * torch.polar(disc.abs(), shift) * disc.sign()
        return total

    def kspace(self, shape: tuple[int, int]) -> Tensor:
        """Return exact samples, complex64 (H, W), in the scale of `fft2c` (a flat image c has sqrt(H W) c at DC)."""
        ky, kx = (torch.arange(n, dtype=torch.float64) - n // 2 for n in shape)
        return (math.sqrt(math.prod(shape)) * self.spectrum(ky[:, None], kx[None])).to(torch.complex64)

    def inside(self, y: Tensor, x: Tensor) -> Tensor:
        """Return which points lie in which ellipse: bool (ellipse, H, W) for y (H, 1) and x (1, W)."""
        u, v = self._turned(x - self.x[:, None, None], y - self.y[:, None, None])
        return (u / self.a[:, None, None]) ** 2 + (v / self.b[:, None, None]) ** 2 <= 1

    def image(self, shape: tuple[int, int], supersampling: int = 4) -> Tensor:
        """Return averages over supersampling^2 points a pixel: complex64 (H, W), rendered and so not exact."""
        # sub-pixels are spread evenly about the pixel's position, which is the point that the DFT assigns to it
        y, x = (
            (((torch.arange(n * supersampling) + 0.5) / supersampling - 0.5) - n // 2) / n for n in shape
        )  # (supersampling H,), (supersampling W,)
        total = torch.zeros(len(y), len(x), dtype=torch.complex128)
        for amplitude, inside in zip(self.amplitude, self.inside(y[:, None], x[None]), strict=True):
            total += amplitude * inside
        cells = total.reshape(shape[0], supersampling, shape[1], supersampling)
        return cells.mean((1, 3)).to(torch.complex64)

    def labels(self, shape: tuple[int, int]) -> Tensor:
        """Return the number of the last ellipse at a pixel's centre, from 1, int64 (H, W). 0 is background."""
        inside = self.inside(*(c.double() for c in pixel_coordinates(shape)))  # (ellipse, H, W)
        number = torch.arange(1, len(inside) + 1)[:, None, None]
        return (inside * number).amax(0)


@dataclass(frozen=True)
class SinusoidalCoils:
    """Sensitivities S_c(r) = sum over m of s_cm exp(2 pi i (m / 2) . r): plane waves of half-integer frequencies.

    `coefficients` is complex128 (coil, 2 order + 1, 2 order + 1), indexed by m_y and m_x from -order on. The period of
    two fields of view lets maps differ at opposite borders.
    """

    coefficients: Tensor

    def sensitivities(self, shape: tuple[int, int]) -> Tensor:
        """Return the exact sensitivities at the pixels: complex64 (coil, H, W)."""
        y, x = (_waves(c, self.coefficients.shape[-1] // 2) for c in pixel_coordinates(shape))
        return (y @ self.coefficients @ x.T).to(torch.complex64)

    def kspace(self, phantom: Ellipses, shape: tuple[int, int]) -> Tensor:
        """Return exact multi-coil k-space, complex64 (coil, H, W): K_c(k) = sum over m of s_cm F(k - m / 2)."""
        order = self.coefficients.shape[-1] // 2
        # F on the half-integer lattice serves all shifts: k - m / 2 is every second point, from another start
        ky, kx = (
            -(n // 2) - order / 2 + torch.arange(2 * (n - 1) + 2 * order + 1, dtype=torch.float64) / 2 for n in shape
        )
        lattice = phantom.spectrum(ky[:, None], kx[None])  # (2 H + 2 order - 1, 2 W + 2 order - 1)
        shifts = [lattice[order - m :: 2][: shape[0]] for m in range(-order, order + 1)]
        total = torch.zeros((), dtype=torch.complex128)
        for m, coefficients in zip(range(-order, order + 1), self.coefficients.unbind(-1), strict=True):
            rows = torch.stack([s[:, order - m :: 2][:, : shape[1]] for s in shifts])  # (m_y, H, W)
            total = total + torch.einsum("cm,mhw->chw", coefficients, rows)
        return (math.sqrt(math.prod(shape)) * total).to(torch.complex64)


def _waves(coordinates: Tensor, order: int) -> Tensor:
    """Return the plane waves exp(2 pi i (m / 2) r) at N positions: complex128 (N, 2 order + 1)."""
    turns = coordinates.double().flatten()[:, None] * torch.arange(-order, order + 1) / 2
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns)


def fit_coils(array: CoilArray, order: int = 4, radius: float = 0.45) -> SinusoidalCoils:
    """Fit plane waves to the sensitivities of `array` on the disc |r| < radius (in fields of view)."""
    shape = (48, 48)
    y, x = pixel_coordinates(shape)
    disc = (x**2 + y**2 < radius**2).flatten()
    n = 2 * order + 1
    design = torch.einsum("hm,wn->hwmn", _waves(y, order), _waves(x, order)).reshape(-1, n * n)[disc]
    target = array.sensitivities(shape).flatten(1).T[disc].to(torch.complex128)  # (pixel, coil)
    # the waves are nearly dependent on the disc alone: a ridge keeps coefficients, and maps outside, moderate
    normal = design.mH @ design
    ridge = 1e-6 * normal.diagonal().real.mean() * torch.eye(n * n)
    coefficients = torch.linalg.solve(normal + ridge, design.mH @ target)  # (m, coil)
    return SinusoidalCoils(coefficients.T.reshape(-1, n, n))


def shepp_logan() -> Ellipses:
    """Return the modified Shepp-Logan phantom: ten ellipses that fill most of the field.

    The table is B.3 of Toft, The Radon Transform, DTU 1996. There y points up and the field of view is [-1, 1].
    """
    table = np.loadtxt(Path(__file__).with_name("shepp_logan.csv"), delimiter=",", skiprows=1)
    amplitude, a, b, x, y, degrees = torch.from_numpy(table).T
    return Ellipses(amplitude, -y / 2, x / 2, a / 2, b / 2, -torch.deg2rad(degrees))


def random_ellipses(n: int = 12, generator: torch.Generator | None = None) -> Ellipses:
    """Draw an ellipse of amplitude 1 and `n` smaller ellipses inside it, each adding -0.4 to 0.6."""

    def uniform(low: float, high: float, size: int = n) -> Tensor:
        return low + (high - low) * torch.rand(size, generator=generator, dtype=torch.float64)

    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    a, b = uniform(0.30, 0.42, 1), uniform(0.34, 0.45, 1)
    size = 0.015 + 0.16 * uniform(0, 1) ** 2  # many small, few large
    direction = uniform(0, 2 * torch.pi)
    # an ellipse of semi-axes up to 1.4 sizes stays inside if its centre keeps that distance from the border
    reach = (1 - 1.5 * size / torch.minimum(a, b)) * uniform(0, 1).sqrt()
    return Ellipses(
        amplitude=torch.cat([one, uniform(-0.4, 0.6)]),
        y=torch.cat([zero, b * reach * direction.sin()]),
        x=torch.cat([zero, a * reach * direction.cos()]),
        a=torch.cat([a, size * uniform(0.6, 1.4)]),
        b=torch.cat([b, size * uniform(0.6, 1.4)]),
        angle=torch.cat([zero, uniform(0, torch.pi)]),
    )
