"""The forward model of parallel imaging: y = P F S x + n, with coil maps S, Fourier transform F and mask P."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.fourier import fourier_shift_phase

CACHE_BYTES = 2**22  # size of the coil images that are worked on at a time; on two cores 1 to 4 MiB are equally good


class LinearModel(Protocol):
    """A linear forward model A of images: `SenseModel`, or the matrix of a toy problem."""

    def forward(self, x: Tensor) -> Tensor: ...
    def adjoint(self, y: Tensor) -> Tensor: ...
    def normal(self, x: Tensor) -> Tensor: ...


class SenseModel:
    """Multi-coil acquisition, batched over scans with their own maps and masks.

    Args:
        coil_maps: (*batch, coil, H, W) complex; sum over coils of |S|^2 at most 1, so that the norm of A is at most 1.
        mask: bool, broadcastable to (*batch, H, W): (1, W) or (H, 1) for lines, (H, W) for points, or with the batch
            in front of those. True = sampled. Or real, from 0 to 1, for masks that are learned: see below.

    Images are (*batch, H, W) and k-space is (*batch, coil, H, W) with DC at N // 2. Maps without a batch serve any
    batch of images (many posterior samples of one scan).

    The centring shifts are folded into the maps and the mask once, so no call moves data around; for line masks
    `normal` works in hybrid space, where the readout transform has cancelled.

    A real mask m stands for P^H P = diag(m): forward and adjoint multiply by m, and `normal` is S^H F^H diag(m) F S. So
    the gradient of 1/2 sum_k m_k |(F S x - y)_k|^2, which is normal(x) - adjoint(y), is linear in m, and a gradient for
    m reaches positions that are not sampled, if `y` holds all of k-space. For 0 and 1 it is the bool mask's model.

    Raises:
        UserError: shapes that do not fit together, maps that are not complex, a mask that is neither bool nor real.
    """

    def __init__(self, coil_maps: Tensor, mask: Tensor):
        if not coil_maps.is_complex() or coil_maps.ndim < 3:
            raise UserError(f"coil maps must be complex (..., coil, H, W), not {_describe(coil_maps)}")
        if not (mask.dtype == torch.bool or mask.is_floating_point()) or mask.ndim < 2:
            raise UserError(f"a mask must be bool or real, and end in (1, W), (H, 1) or (H, W), not {_describe(mask)}")
        height, width = coil_maps.shape[-2:]
        if mask.shape[-2] not in (1, height) or mask.shape[-1] not in (1, width):
            raise UserError(f"mask {tuple(mask.shape)} does not fit coil maps {tuple(coil_maps.shape)}")
        self.coil_maps = coil_maps
        self.mask = mask.to(coil_maps.device)
        self.shape = (height, width)

        phase_h = fourier_shift_phase(height, coil_maps.dtype, coil_maps.device)[:, None]  # (H, 1)
        phase_w = fourier_shift_phase(width, coil_maps.dtype, coil_maps.device)[None, :]  # (1, W)
        self._maps = coil_maps * (phase_h * phase_w)  # image-side ramp
        self._conjugate = self._maps.conj().resolve_conj()
        constant = (phase_h[height // 2] * phase_w[0, width // 2]).conj()
        # k-space-side ramp; the coil dimension of (*batch, 1, H, W) is what broadcasts
        self._mask_ramp = self.mask[..., None, :, :] * (phase_h * phase_w * constant)
        # P'P = P: in the normal operator the ramps cancel and only the mask itself is left
        self._weight = self.mask[..., None, :, :].to(coil_maps.dtype)  # complex, or each product would cast it again
        self._axes = tuple(axis for axis in (-2, -1) if mask.shape[axis] > 1) or (-1,)

    def forward(self, x: Tensor) -> Tensor:
        """Return A x = P F S x. (*batch, H, W) -> (*batch, coil, H, W)."""
        self._check(x, self.shape, "an image")
        coil_images = self._maps * x[..., None, :, :]  # (*batch, coil, H, W)
        return torch.fft.fft2(coil_images, norm="ortho") * self._mask_ramp

    def adjoint(self, y: Tensor) -> Tensor:
        """Return A^H y = S^H F^H P y. (*batch, coil, H, W) -> (*batch, H, W)."""
        self._check(y, self.coil_maps.shape[-3:], "k-space")
        coil_images = torch.fft.ifft2(y * self._mask_ramp.conj(), norm="ortho")
        return (coil_images * self._conjugate).sum(-3)  # (*batch, coil, H, W) -> (*batch, H, W)

    def normal(self, x: Tensor) -> Tensor:
        """Return A^H A x, without going through the k-space that the user sees. (*batch, H, W) -> (*batch, H, W)."""
        self._check(x, self.shape, "an image")
        if x.device.type != "cpu" or x.requires_grad or self._weight.requires_grad:
            return self._normal(x, self._maps, self._conjugate, self._weight)
        if x.ndim == 2 and self._maps.ndim == 3 and self._weight.ndim == 3:
            return self._normal_in_cache(x, self._maps, self._conjugate, self._weight)
        batch = torch.broadcast_shapes(x.shape[:-2], self._maps.shape[:-3], self._weight.shape[:-3])
        if batch.numel() * self._maps.shape[-3:].numel() * x.element_size() <= CACHE_BYTES:
            return self._normal(x, self._maps, self._conjugate, self._weight)  # all of it fits: no loop to pay for
        x = x.expand(*batch, *self.shape).reshape(-1, *self.shape)
        tensors = (each.expand(*batch, *each.shape[-3:]) for each in (self._maps, self._conjugate, self._weight))
        tensors = (each.reshape(-1, *each.shape[-3:]) for each in tensors)
        out = torch.empty_like(x)
        for n, each in enumerate(zip(x, *tensors, strict=True)):
            out[n] = self._normal_in_cache(*each)
        return out.reshape(*batch, *self.shape)

    def _normal_in_cache(self, x: Tensor, maps: Tensor, conjugate: Tensor, weight: Tensor) -> Tensor:
        """Take one scan a few coils at a time, in equal parts. (H, W) -> (H, W).

        On a CPU the arrays then stay in cache, and below the size at which the allocator maps fresh pages.
        """
        coils = len(maps)
        parts = -(-coils * x.numel() * x.element_size() // CACHE_BYTES)
        if parts <= 1:
            return self._normal(x, maps, conjugate, weight)
        step = -(-coils // parts)
        out = self._normal(x, maps[:step], conjugate[:step], weight)
        for c in range(step, coils, step):
            out += self._normal(x, maps[c : c + step], conjugate[c : c + step], weight)
        return out

    def _normal(self, x: Tensor, maps: Tensor, conjugate: Tensor, weight: Tensor) -> Tensor:
        hybrid = torch.fft.fftn(maps * x[..., None, :, :], dim=self._axes)  # (*batch, coil, H, W)
        hybrid *= weight
        coil_images = torch.fft.ifftn(hybrid, dim=self._axes)
        coil_images *= conjugate
        return coil_images.sum(-3)  # (*batch, H, W)

    def to(self, device: torch.device | str) -> SenseModel:
        """Return the same model on another device."""
        return SenseModel(self.coil_maps.to(device), self.mask.to(device))

    def _check(self, value: Tensor, shape: tuple[int, ...], what: str) -> None:
        if not value.is_complex() or tuple(value.shape[-len(shape) :]) != tuple(shape):
            raise UserError(f"expected {what} that is complex and ends in {tuple(shape)}, not {_describe(value)}")


def _describe(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
