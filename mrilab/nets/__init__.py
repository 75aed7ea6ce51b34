"""Building blocks of networks that papers share; everything else is MONAI's."""

from mrilab.nets.cnn import ComplexCnn
from mrilab.nets.consistency import consistent
from mrilab.nets.trajectory import Trajectory
from mrilab.nets.unet import ComplexUnet
