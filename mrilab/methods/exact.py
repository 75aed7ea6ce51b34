"""Priors whose score and posterior are known exactly, to hold samplers and trained scores against.

Images are (..., H, W), complex or real; a toy vector of length N is a real image (1, N). Variances are per real
component: a complex Gaussian of variance v has E|x|^2 = 2 v.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics import fft2c, ifft2c
from mrilab.physics.acquisition import LinearModel


class Gaussian:
    """A Gaussian image prior with covariance U diag(variance) U^H.

    Args:
        mean: (..., H, W), a batch of means in front if wanted.
        variance: (H, W) in the image or in k-space, (H W,) for a basis; not negative.
        basis: "image", "fourier", or the columns of a unitary matrix (H W, H W).
    """

    def __init__(self, mean: Tensor, variance: Tensor, basis: str | Tensor = "image"):
        if not (variance >= 0).all():
            raise UserError("a variance must not be negative")
        if isinstance(basis, str) and basis not in ("image", "fourier"):
            raise UserError(f"unknown basis {basis!r}; use image, fourier or a matrix")
        self.mean, self.basis = mean, basis
        self.shape = tuple(mean.shape[-2:])
        self.variance = variance.expand(self.shape) if isinstance(basis, str) else variance

    @classmethod
    def from_covariance(cls, mean: Tensor, covariance: Tensor) -> Gaussian:
        """Build the prior from its full covariance (H W, H W), Hermitian, for tiny images."""
        values, vectors = torch.linalg.eigh(covariance)
        return cls(mean, values.clamp(min=0), vectors)

    def score(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """Return the gradient of the log density smoothed by sigma, -(C + sigma^2)^-1 (x - mean), (..., H, W)."""
        return self._from_basis(self._to_basis(self.mean - x) / (self.variance + sigma**2))

    def log_density(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """Return the natural logarithm of the density over all real components. (..., H, W) -> (...)."""
        variance = self.variance + sigma**2
        white = self._to_basis(x - self.mean).abs().square() / variance
        components = 2 if self.mean.is_complex() else 1
        volume = components / 2 * (2 * math.pi * variance).log().sum()
        return -white.flatten(-2 if isinstance(self.basis, str) else -1).sum(-1) / 2 - volume

    def sample(self, count: int, generator: torch.Generator, sigma: float = 0.0) -> Tensor:
        """Draw from the prior smoothed by sigma: (count, ..., H, W)."""
        white = torch.empty((count, *self.mean.shape), dtype=self.mean.dtype)
        (torch.view_as_real(white) if white.is_complex() else white).normal_(generator=generator)
        if not isinstance(self.basis, str):
            white = white.flatten(-2)  # (count, ..., H W)
        return self.mean + self._from_basis(white * (self.variance + sigma**2).sqrt())

    def covariance(self, sigma: float = 0.0) -> Tensor:
        """Return the covariance of the prior smoothed by sigma per real component, (H W, H W). For tiny images."""
        columns = self._from_basis(self._to_basis(_unit_images(self.mean)) * (self.variance + sigma**2))
        return columns.flatten(-2).mT

    def posterior(self, y: Tensor, model: LinearModel, noise_std: float, sigma: float = 0.0) -> Gaussian:
        """Return the exact posterior of the prior smoothed by sigma, for y = A x + n. For tiny images.

        C_post = (C^-1 + A^H A / s^2)^-1 and m_post = m + C_post A^H (y - A m) / s^2, with s = `noise_std`; a batch in
        front of y or of the mean carries over to the mean.
        """
        covariance, _, pulled = self._solve(y - model.forward(self.mean), model, noise_std, sigma)
        mean = self.mean + (pulled @ covariance.mT).unflatten(-1, self.shape)
        return Gaussian.from_covariance(mean, (covariance + covariance.mH) / 2)

    def log_evidence(self, y: Tensor, model: LinearModel, noise_std: float, sigma: float = 0.0) -> Tensor:
        """Return log p(y) but for a constant of `noise_std` and the mask. (..., coil, H, W) -> (...)."""
        residual = y - model.forward(self.mean)
        covariance, gain, pulled = self._solve(residual, model, noise_std, sigma)
        explained = (pulled.conj() * (pulled @ covariance.mT)).sum(-1).real
        misfit = residual.abs().square().flatten(explained.ndim).sum(-1) / noise_std**2
        components = 2 if self.mean.is_complex() else 1
        return (explained - misfit - components * torch.linalg.slogdet(gain).logabsdet) / 2

    def _solve(
        self, residual: Tensor, model: LinearModel, noise_std: float, sigma: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the posterior covariance, I + C A^H A / s^2, both (H W, H W), and A^H residual / s^2, (..., H W)."""
        prior = self.covariance(sigma)
        gain = torch.eye(len(prior)).to(prior) + prior @ normal_matrix(model, self.mean) / noise_std**2
        return torch.linalg.solve(gain, prior), gain, model.adjoint(residual).flatten(-2) / noise_std**2

    def _to_basis(self, x: Tensor) -> Tensor:
        if isinstance(self.basis, str):
            return fft2c(x) if self.basis == "fourier" else x
        return x.flatten(-2) @ self.basis.conj()  # U^H x as a row

    def _from_basis(self, z: Tensor) -> Tensor:
        if isinstance(self.basis, str):
            return ifft2c(z) if self.basis == "fourier" else z
        return (z @ self.basis.mT).unflatten(-1, self.shape)


class Mixture:
    """A mixture of `Gaussian` images: `weights` (k,), made to sum to 1, or (..., k) for a batch of posteriors."""

    def __init__(self, weights: Tensor, parts: list[Gaussian]):
        if weights.shape[-1] != len(parts) or not (weights >= 0).all():
            raise UserError(f"{len(parts)} parts need as many weights, none of them negative")
        self.weights, self.parts = weights / weights.sum(-1, keepdim=True), parts

    def responsibilities(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """Return p(part | x) under the mixture smoothed by sigma. (..., H, W) -> (..., k)."""
        return self._joint(x, sigma).softmax(-1)

    def log_density(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """Return the natural logarithm of the density. (..., H, W) -> (...)."""
        return self._joint(x, sigma).logsumexp(-1)

    def score(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """Return the gradient of the smoothed log density: the parts' scores, weighted by their responsibilities."""
        weights = self.responsibilities(x, sigma)[..., None, None, :]  # (..., 1, 1, k)
        scores = (weights[..., k] * part.score(x, sigma) for k, part in enumerate(self.parts))
        return sum(scores, torch.zeros_like(x))

    def sample(self, count: int, generator: torch.Generator, sigma: float = 0.0) -> Tensor:
        """Draw from the mixture smoothed by sigma: (count, H, W)."""
        choice = torch.multinomial(self.weights, count, replacement=True, generator=generator)  # (count,)
        draws = torch.stack([part.sample(count, generator, sigma) for part in self.parts])  # (k, count, H, W)
        return draws[choice, torch.arange(count)]

    def posterior(self, y: Tensor, model: LinearModel, noise_std: float, sigma: float = 0.0) -> Mixture:
        """Return the exact posterior of the mixture smoothed by sigma, a mixture too: evidence reweights its parts."""
        evidence = torch.stack([part.log_evidence(y, model, noise_std, sigma) for part in self.parts], -1)  # (..., k)
        weights = (self.weights.log() + evidence).softmax(-1)
        return Mixture(weights, [part.posterior(y, model, noise_std, sigma) for part in self.parts])

    def _joint(self, x: Tensor, sigma: float) -> Tensor:
        return torch.stack([part.log_density(x, sigma) for part in self.parts], -1) + self.weights.log()


@dataclass(frozen=True)
class MatrixModel:
    """A matrix (M, N) as the forward model of toy vectors: (..., 1, N) -> (..., 1, M)."""

    matrix: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix.mT

    def adjoint(self, y: Tensor) -> Tensor:
        return y @ self.matrix.conj()

    def normal(self, x: Tensor) -> Tensor:
        return self.adjoint(self.forward(x))


def normal_matrix(model: LinearModel, like: Tensor) -> Tensor:
    """Return A^H A as a dense matrix (H W, H W), for images of the shape and type of `like`."""
    return model.normal(_unit_images(like)).flatten(-2).mT.contiguous()


def _unit_images(like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    return torch.eye(height * width).to(like).unflatten(-1, (height, width))  # (H W, H, W)
