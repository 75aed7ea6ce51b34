"""The supervised unrolled networks by the names of their checkpoints, and the untrained ConvDecoder."""

import torch
from torch import Tensor, nn

from mrilab.baselines.convdecoder import convdecoder
from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.methods.registry import method, scaled
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.protocol import Acquisition
from mrilab.training.checkpoints import trained

__all__ = ["convdecoder", "ista", "modl", "varnet"]


@method("modl")
def modl(y: Tensor, model: SenseModel, *, network: str = "modl-heads") -> Tensor:
    """Take a trained denoiser and conjugate gradients by turns (MoDL), with the maps of the scan.

    modl-heads was trained on heads of random contrast, orientation, resolution and noise, modl-t2 on clinical
    T2-weighted ones, both with equispaced vertical lines at R = 3 and 6.
    """
    return _reconstruct(network, MoDL, y, model)


@method("varnet", own_maps=True)
def varnet(y: Tensor, model: SenseModel, *, network: str = "varnet-t2") -> Tensor:
    """Run E2E-VarNet, which estimates maps of its own from the vertical calibration lines. Only magnitudes count.

    A mask without fully sampled central columns leaves it the fully sampled box around DC to estimate them from.
    varnet-t2 was trained on clinical T2-weighted heads with equispaced vertical lines at R = 3 and 6. Take modl or flat
    for other scans: trained on as modl-heads was, this network was worse than L1-wavelet on scans of that kind.
    """
    return _reconstruct(network, VarNet, y, model)


@method("ista")
def ista(y: Tensor, model: SenseModel, *, network: str = "ista-t2") -> Tensor:
    """Take gradient steps and shrink in a learned transform by turns (ISTA-Net+), with the maps of the scan."""
    return _reconstruct(network, ISTANet, y, model)


def _reconstruct(name: str, kind: type[nn.Module], y: Tensor, model: SenseModel) -> Tensor:
    """Return the image (H, W) in units of y. The network sees data over the 0.99 quantile of the zero-filled MVUE."""
    network = trained(name, kind, y.device)
    _, unit = scaled(y, model, None)  # (1, 1)
    scan = Acquisition(y, model.mask, model.coil_maps).over(unit)
    with torch.inference_mode():
        (image,) = network(scan.batch()).image
    return image * unit  # outside, so that the caller gets a tensor without inference mode's restrictions
