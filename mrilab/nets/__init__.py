"""The few networks that are ours; everything else is MONAI's."""

from mrilab.baselines.convdecoder import ConvDecoder
from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.csgm.denoiser import Denoiser
from mrilab.flat.network import FLAT

__all__ = ["FLAT", "ConvDecoder", "Denoiser", "ISTANet", "MoDL", "VarNet"]
