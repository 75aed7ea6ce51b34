"""One undersampled scan with all that guided reconstruction is held against: what experiments and lesson share."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.csgm.prior import ScorePrior
from mrilab.data.scans import Scan
from mrilab.evaluation.experiments import fallback_expected
from mrilab.methods.registry import Progress
from mrilab.physics import SenseModel, make_mask
from mrilab.physics.protocol import acquire, full_reference
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.bounds import guided_bounds
from mrilab.sgr.dds import Chain, run_chain
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.sampling import Sampling


@dataclass(frozen=True)
class Trial:
    """All slices of one scan, undersampled with one mask. Images are in units of q, the unit found from the samples.

    Attributes:
        chain, grid: what draws images, and abar of its steps (steps,).
        model: forward model of all slices.
        y: k-space (slices, coil, H, W) in units of q.
        q: unit, (slices, 1, 1), in units of the scan.
        reference: image of the fully sampled data, (slices, H, W), in units of q.
        full: the same in units of its own 0.99 quantile, as the segmentation networks know images.
        seed: of mask and chains.
    """

    chain: Chain
    grid: Tensor
    model: SenseModel
    y: Tensor
    q: Tensor
    reference: Tensor
    full: Tensor
    seed: int

    def samples(self, count: int, progress: Progress = iter) -> Tensor:
        """Draw unguided images, (count, slices, H, W) in units of q: repeated reconstruction."""
        return run_chain(self.chain, self.grid, count, self._generator(1), progress=progress)

    def unguided(self, progress: Progress = iter) -> Tensor:
        """Draw what both bounds are without guidance, with their start and noise: (slices, H, W) in units of q."""
        return run_chain(self.chain, self.grid, 1, self._generator(2), progress=progress)[0]

    def bounds(self, guidance: Guidance, paired: bool = True, progress: Progress = iter) -> Tensor:
        """Draw both bounds of all classes, (2, classes, slices, H, W) in units of q."""
        generator = self._generator(2)
        return guided_bounds(self.chain, self.grid, guidance, generator, paired=paired, progress=progress)[:, :, 0]

    def residual(self, x: Tensor) -> Tensor:
        """Return ||A x - y|| / ||y|| of images (..., slices, H, W), (..., slices)."""
        difference = self.model.forward(x) - self.y  # (..., slices, coil, H, W)
        return difference.flatten(-3).norm(dim=-1) / self.y.flatten(-3).norm(dim=-1)

    def _generator(self, use: int) -> torch.Generator:
        return torch.Generator().manual_seed(100 * self.seed + use)


@fallback_expected()
def trial(
    scan: Scan, acceleration: float, prior: ScorePrior, sampling: Sampling, seed: int, mask: str = "poisson"
) -> Trial:
    """Undersample all slices of a fully sampled scan, and estimate maps and unit from the samples.

    Raises:
        UserError: as `make_mask`, `acquire` and `Sampling.chain` do.
    """
    sampled = make_mask(mask, scan.shape, acceleration, generator=torch.Generator().manual_seed(seed))
    parts = [acquire(kspace, sampled)[0] for kspace in scan.kspace]
    y = torch.stack([part.kspace for part in parts])  # (slices, coil, H, W)
    model = SenseModel(torch.stack([part.coil_maps for part in parts]), sampled)
    chain, q = sampling.chain(prior, y, model, torch.Generator().manual_seed(100 * seed))
    reference = torch.stack([full_reference(kspace) for kspace in scan.kspace])  # (slices, H, W)
    full = reference / quantile_scale(reference)
    return Trial(chain, sampling.times(prior), model, y / q[:, None], q, reference / q, full, seed)
