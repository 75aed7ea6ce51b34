"""The few networks that are ours; everything else is MONAI's."""

from mrilab.nets.convdecoder import ConvDecoder
from mrilab.nets.denoiser import Denoiser
from mrilab.nets.flat import FLAT
from mrilab.nets.istanet import ISTANet
from mrilab.nets.modl import MoDL
from mrilab.nets.varnet import VarNet

__all__ = ["FLAT", "ConvDecoder", "Denoiser", "ISTANet", "MoDL", "VarNet"]
