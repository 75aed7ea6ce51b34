"""The measuring protocol of this course: undersample, estimate maps from what was sampled, scale, and keep a reference.

Evaluation, training and experiments all get their data here, so they agree in every step.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.physics.acquisition import SenseModel
from mrilab.physics.coils import estimate_maps, mvue
from mrilab.physics.scale import quantile_scale


class Acquisition(NamedTuple):
    """What was measured, of one scan or of a batch of `n` scans (with `n` in front of every shape).

    kspace: complex (coil, H, W), zero where not sampled.
    mask: bool (1, W), (H, 1) or (H, W), for columns, rows or points.
    coil_maps: complex (coil, H, W), estimated from the sampled calibration lines or from a prescan.
    reference: complex (H, W), the MVUE of the fully sampled data with maps from those; None for an undersampled scan.
    acs: bool (1, W) or (H, W), the lines from which VarNet estimates maps of its own, see
        `mrilab.physics.coils.calibration_lines`; None where nobody has looked for them.
    """

    kspace: Tensor
    mask: Tensor
    coil_maps: Tensor
    reference: Tensor | None = None
    acs: Tensor | None = None

    @property
    def model(self) -> SenseModel:
        """Return the forward model A of these maps and this mask."""
        return SenseModel(self.coil_maps, self.mask)

    @property
    def target(self) -> Tensor:
        """Return the reference that a network is trained towards. Raises ValueError where there is none."""
        if self.reference is None:
            raise ValueError("an undersampled scan has no reference")
        return self.reference

    def batch(self) -> Acquisition:
        """Return this one scan as a batch of one, which networks take."""
        reference, acs = (None if field is None else field[None] for field in (self.reference, self.acs))
        return Acquisition(self.kspace[None], self.mask[None], self.coil_maps[None], reference, acs)

    def over(self, scale: Tensor) -> Acquisition:
        """Return the same acquisition in units of `scale`, (1, 1), or (n, 1, 1) for a batch."""
        reference = None if self.reference is None else self.reference / scale
        return self._replace(kspace=self.kspace / scale[..., None, :, :], reference=reference)

    def scale(self) -> Tensor:
        """Return the 0.99 quantile of the zero-filled MVUE, (1, 1), or (n, 1, 1) for a batch."""
        return quantile_scale(self.model.adjoint(self.kspace))


def full_reference(full: Tensor, acquired: Tensor | None = None) -> Tensor:
    """Return the reference image of fully sampled k-space: the MVUE with maps from its own centre, complex (H, W).

    `full` is complex (coil, H, W), `acquired` bool, broadcastable to (H, W): the points that were measured, else all.
    """
    everything = torch.ones(1, 1, dtype=torch.bool) if acquired is None else acquired
    with warnings.catch_warnings():  # a scan too small for ESPIRiT says so when the maps of the samples are estimated
        warnings.simplefilter("ignore")
        return mvue(full, estimate_maps(full, everything)[0])


def acquire(full: Tensor, mask: Tensor, calibration: Tensor | None = None) -> tuple[Acquisition, str]:
    """Sample k-space `full`, complex (coil, H, W), and estimate the coil maps from nothing but the samples.

    Args:
        mask: bool, broadcastable to (H, W), on any device. What it leaves out is not looked at.
        calibration: complex (coil, h, w), fully sampled k-space of a prescan to estimate the maps from.

    Returns the acquisition in the units of `full`, without a reference, and a word on where its maps come from. Raises
    `UserError` as `estimate_maps` does.
    """
    kspace = full * mask.to(full.device)
    coil_maps, source = estimate_maps(kspace, mask, calibration)
    return Acquisition(kspace, mask.to(full.device), coil_maps), source
