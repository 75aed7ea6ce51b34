"""Building blocks of networks that papers share; everything else is MONAI's."""

from mrilab.nets.consistency import consistent
