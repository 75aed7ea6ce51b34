"""What `mrilab recon` offers of lesson 2: importing this module registers `langevin` and `ddim`."""

from mrilab.csgm.ddim import ddim
from mrilab.csgm.langevin import langevin

__all__ = ["ddim", "langevin"]
