"""E2E-VarNet: gradient steps in k-space with a U-Net of their own each, and maps by a network."""

import torch
from torch import Tensor, nn

from mrilab.nets.trajectory import Trajectory
from mrilab.nets.unet import ComplexUnet
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.coils import calibration_lines, normalise_maps
from mrilab.physics.fourier import ifft2c
from mrilab.physics.protocol import Acquisition


class VarNet(nn.Module):
    """k <- k - eta M (k - y) - E(U(R k)), once for each cascade, from k = y.

    After Sriram et al., "End-to-end variational networks for accelerated MRI reconstruction" (MICCAI 2020). M is the
    mask, E x = F S x and R k = S^H F^H k with the maps S of the sensitivity network, U a U-Net and eta a number of
    each cascade's own, 1 at first. As built, the U-Nets return 0, and the network is zero-filled.

    Args:
        width: channels of the cascades' U-Nets at full resolution.
        cascades: number of cascades. 6 of width 8, with the maps' 4, make 3.1 million parameters (29.9 in fastMRI's
            leaderboard model, with 12 cascades of width 18).
        maps_width: channels of the sensitivity network's U-Net.
    """

    def __init__(self, width: int = 8, cascades: int = 6, maps_width: int = 4):
        super().__init__()
        self.config = {"width": width, "cascades": cascades, "maps_width": maps_width}
        self.sensitivity = SensitivityNet(maps_width)
        self.unets = nn.ModuleList(ComplexUnet(width) for _ in range(cascades))
        self.eta = nn.Parameter(torch.ones(cascades))

    def forward(self, scan: Acquisition) -> Trajectory:
        """Return the images R k before each cascade and after the last, on the scale of the data.

        The maps of `scan` are not used: the network estimates its own from the calibration lines `scan.acs`, or from
        those of the mask where it is None. Compare magnitudes, because the phase that the maps take away is gone.

        Raises:
            UserError: `scan.acs` is None and DC is not sampled.
        """
        y = scan.kspace  # (n, coil, H, W)
        acs = scan.acs
        if acs is None:
            n, _, height, width = y.shape
            masks = scan.mask.expand(n, height, width)
            acs = torch.stack([calibration_lines(mask, (height, width)).expand(height, width) for mask in masks])
        everything = torch.ones(1, 1, dtype=torch.bool, device=y.device)
        coils = SenseModel(self.sensitivity(y, acs), everything)  # .forward is E, .adjoint is R
        sampled = scan.mask[..., None, :, :].to(y.dtype)  # (n, 1, H, W)
        k, states = y, [coils.adjoint(y)]
        for eta, unet in zip(self.eta, self.unets, strict=True):
            k = k - eta * sampled * (k - y) - coils.forward(unet(states[-1]))
            states.append(coils.adjoint(k))
        return Trajectory(torch.stack(states))


class SensitivityNet(nn.Module):
    """The part of E2E-VarNet that estimates maps: each coil's low-resolution image through one U-Net, then over RSS.

    As built, the U-Net returns 0. The anatomy's phase is in the maps, and a combined image has none to speak of.
    """

    def __init__(self, width: int):
        super().__init__()
        self.unet = ComplexUnet(width)

    def forward(self, y: Tensor, acs: Tensor) -> Tensor:
        """Return maps (n, coil, H, W), sum |S|^2 = 1, of k-space (n, coil, H, W) where `acs` (n, H, W) is true."""
        low = ifft2c(y * acs[..., None, :, :])  # (n, coil, H, W)
        return normalise_maps(low + self.unet(low.flatten(0, 1)).unflatten(0, low.shape[:2]))
