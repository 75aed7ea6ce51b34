"""MRI physics: signal, Fourier transform, sampling, coils, the forward model and classical reconstruction."""

import torch

from mrilab.physics.acquisition import SenseModel
from mrilab.physics.bloch import offset_field, precess, record
from mrilab.physics.classical import cg_sense, conjugate_gradients, l1_wavelet, zero_filled
from mrilab.physics.coils import estimate_maps, low_resolution_maps, mvue, normalise_maps, rss
from mrilab.physics.espirit import espirit
from mrilab.physics.fourier import centre_crop, centre_pad, fft1c, fft2c, ifft1c, ifft2c, mirror
from mrilab.physics.gfactor import g_factor, pseudo_replica, sense_unfold
from mrilab.physics.gradients import GAMMA_BAR, hertz_per_pixel, larmor_offset, readout_gradient, trajectory
from mrilab.physics.magnetisation import relax, rotate, spin_echo_train, spoil
from mrilab.physics.motion import moved_lines
from mrilab.physics.noise import complex_noise
from mrilab.physics.poisson import poisson_mask
from mrilab.physics.protocol import Acquisition, acquire, full_reference
from mrilab.physics.psf import largest_sidelobe, point_spread
from mrilab.physics.readout import read_out
from mrilab.physics.sampling import (
    MASK_KINDS,
    acs_lines,
    calibration_block,
    calibration_box,
    effective_acceleration,
    equispaced_all_mask,
    equispaced_mask,
    make_mask,
    random_mask,
)
from mrilab.physics.scale import quantile_scale
from mrilab.physics.scan_time import Scan
from mrilab.physics.signal import gradient_echo, inversion_recovery, spin_echo
from mrilab.physics.slice_selection import sinc_pulse, slice_profile, small_tip_profile
from mrilab.physics.spin_echo_2d import spin_echo_kspace
from mrilab.physics.support import object_support
from mrilab.physics.wavelet import Wavelet2d

# On a GPU float32 means float32: cuDNN's convolutions would take it as TF32, which has three digits, and a wavelet
# transform would no longer be orthonormal. Whoever wants speed asks for bfloat16.
torch.backends.cudnn.allow_tf32 = False
