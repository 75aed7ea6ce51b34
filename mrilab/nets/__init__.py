"""The few networks that are ours; everything else is MONAI's."""

from mrilab.nets.denoiser import Denoiser

__all__ = ["Denoiser"]
