"""The closed form: what k-space samples tell of a stationary Gaussian image, and the best mask of every size.

Real and imaginary part of each point of k-space are independent Gaussians. Of a real image the partner of a point, at
-k, is its conjugate. So pairs are independent of each other, (4) is the information of a mask, and sorting the gains of
single samples finds the best one. The entropies are (33) to (37) of Peng et al. 2026; the rest is ours.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.physics.fourier import PLANE, fft2c
from mrilab.physics.pairs import own_partner, partners

Shape = tuple[int, int]


@dataclass(frozen=True)
class GaussianKspace:
    """Hold the variances of k-space, s_R^2 and s_I^2 (H, W), and sigma^2, the noise's, per real component."""

    real: Tensor
    imaginary: Tensor
    noise: float

    @classmethod
    def of_images(cls, images: Tensor, sigma: float) -> "GaussianKspace":
        """Take the variances from real images (n, H, W): those of a point and of its partner are the same."""
        kspace = torch.view_as_real(fft2c(images.to(torch.complex64))).double()  # (n, H, W, 2)
        real, imaginary = kspace.var(0).unbind(-1)  # (H, W) each
        real, imaginary = ((each + partners(each)) / 2 for each in (real, imaginary))
        return cls(real, imaginary.masked_fill(own_partner((*real.shape,)), 0), sigma**2)

    @property
    def shape(self) -> Shape:
        """Return (H, W)."""
        height, width = self.real.shape
        return height, width

    def single(self) -> Tensor:
        """Return what one sample of each point tells, in nats, (H, W): (2), half of log(1 + s^2 / sigma^2) a part."""
        return _half_log(self.real / self.noise) + _half_log(self.imaginary / self.noise)

    def pair(self) -> Tensor:
        """Return what each point and its partner tell together, (H, W): (3), where the noise averages out."""
        return _half_log(2 * self.real / self.noise) + _half_log(2 * self.imaginary / self.noise)

    def information(self, mask: Tensor) -> Tensor:
        """Return (4), I(X; Y) in nats of masks (..., H, W) or of lines (..., 1, W), (..., H, 1).

        For a mask of probabilities it is the expectation over independent draws of points, since I is linear in each
        sample: sum_i m_i [(1 - m_i') single_i + m_i' pair_i / 2]. For lines only where each is drawn as a whole.
        """
        single, pair = self.single(), self.pair()
        m = mask.to(single.dtype)
        m = m.expand(*m.shape[:-2], *self.shape)
        alone, both = self._shares(m, mask.shape[-2:])
        return (alone * single + both * pair / 2).sum(PLANE)

    def entropy(self, mask: Tensor) -> Tensor:
        """Return the entropy of the samples in nats: I(X; Y) + H(noise), log 2 pi e sigma^2 a sample."""
        m = mask.to(self.real.dtype)
        samples = m.expand(*m.shape[:-2], *self.shape).sum(PLANE)
        return self.information(mask) + samples * math.log(2 * math.pi * math.e * self.noise)

    def error(self, mask: Tensor) -> Tensor:
        """Return (5), the squared error of the best estimate, summed over the image, of masks as `information` has."""
        m = mask.to(self.real.dtype)
        m = m.expand(*m.shape[:-2], *self.shape)
        alone, both = self._shares(m, mask.shape[-2:])
        total = (self.real + self.imaginary).sum()
        # a point alone tells its partner as well; half of them here, since both are counted where both are sampled
        own = own_partner(self.shape)
        weight = torch.where(own, 1.0, 2.0).to(m)
        return total - (weight * alone * self._reduced(1) + both * self._reduced(2)).sum(PLANE)

    def _reduced(self, samples: int) -> Tensor:
        """Return by how much so many samples of a point lower its variance, (H, W)."""
        parts = (samples * s / (samples * s + self.noise) * s for s in (self.real, self.imaginary))
        return sum(parts, torch.zeros_like(self.real))

    def _shares(self, m: Tensor, unit: torch.Size) -> tuple[Tensor, Tensor]:
        """Return how far each point is sampled without its partner, and with it, (..., H, W) each."""
        other = partners(m)
        both = m * other
        # a line that is its own partner has each point and its partner in one draw
        height, width = unit
        if height == 1 or width == 1:
            same = own_partner((height, width)).expand(self.shape)
            both = torch.where(same, m, both)
        both = both.masked_fill(own_partner(self.shape), 0)
        return m - both, both

    def gains(self, unit: Shape) -> tuple[Tensor, Tensor]:
        """Return what each unit, a point or a line, adds alone, and what it adds after its partner, both of `unit`.

        `unit` is (H, W), (1, W) or (H, 1). A unit that is its own partner has no second gain: minus infinity.
        """
        single, pair = self.single(), self.pair()
        dims = tuple(axis for axis in PLANE if unit[axis] == 1 and self.shape[axis] > 1)
        alone = own_partner(self.shape)
        if not dims:
            return single, torch.where(alone, -torch.inf, pair - single)
        same = own_partner(unit)
        within = torch.where(alone, single, pair / 2).sum(dims, keepdim=True)  # a line with its own mirror image in it
        first = torch.where(same, within, single.sum(dims, keepdim=True))
        second = torch.where(same, -torch.inf, (pair - single).sum(dims, keepdim=True))
        return first, second

    def order(self, unit: Shape) -> Tensor:
        """Return the units' flat numbers from the most telling on: the first k are the best mask of k units, for any k.

        Pairs are independent of each other, and the second of a pair adds less than the first. So the sorted marginal
        gains can be had in that order, and no mask of k units can have a larger sum.
        """
        first, second = (each.flatten() for each in self.gains(unit))
        partner = partners(torch.arange(first.numel()).reshape(unit)).flatten()
        number = torch.arange(first.numel())
        gain = torch.where(number <= partner, first, second)  # of two equal points the first is the one to take first
        gain = torch.where(number == partner, first, gain)
        return gain.argsort(descending=True, stable=True)

    def best_mask(self, count: int, unit: Shape) -> Tensor:
        """Return the mask of `count` units with the largest I(X; Y), bool of `unit`."""
        mask = torch.zeros(math.prod(unit), dtype=torch.bool)
        mask[self.order(unit)[:count]] = True
        return mask.reshape(unit)


def _half_log(snr: Tensor) -> Tensor:
    return torch.log1p(snr) / 2
