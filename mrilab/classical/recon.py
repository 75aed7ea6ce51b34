"""The classical reconstructions as methods of `mrilab recon`."""

from mrilab.methods.registry import method
from mrilab.physics import cg_sense, l1_wavelet, zero_filled

method("zero-filled")(zero_filled)
method("cg-sense")(cg_sense)
method("l1-wavelet")(l1_wavelet)
