"""Lesson 2's methods for `mrilab recon`. Importing this module registers `langevin` and `ddim`."""

from mrilab.csgm.ddim import ddim
from mrilab.csgm.langevin import langevin

__all__ = ["ddim", "langevin"]
