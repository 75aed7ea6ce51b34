"""Lessons 0 and 1. From spins to images: signal, k-space, sampling, coils and the classical reconstructions.

The mathematics of these lessons is the ground that all later ones stand on, so it lies in `mrilab.physics`.

    (1)       Fourier series of an object      physics.fourier.ifft1c
    (2)       precession and relaxation        physics.magnetisation.relax
    (3)       spin echo                        physics.signal.spin_echo
    (4)       inversion recovery               physics.signal.inversion_recovery
    (5)       k-space of an object             anatomy.ellipsoids.Ellipses.kspace
    (6)       point-spread function            physics.psf.point_spread
    (7)       effective acceleration           physics.sampling.effective_acceleration
    (8)       SENSE unfolding                  physics.gfactor.sense_unfold
    (9)       g-factor                         physics.gfactor.g_factor
    (10, 11)  coil maps by ESPIRiT             physics.espirit.espirit
    (12)      root sum of squares              physics.coils.rss
    (13)      minimum-variance estimate        physics.coils.mvue
    (14)      forward model                    physics.acquisition.SenseModel.forward
    (15)      adjoint of the forward model     physics.acquisition.SenseModel.adjoint
    (16)      regularised least squares        physics.classical.cg_sense
    (17)      step of conjugate gradients      physics.classical.conjugate_gradients
    (18, 20)  L1-wavelet and its iteration     physics.classical.l1_wavelet
    (19)      soft threshold                   physics.wavelet.Wavelet2d.soft_threshold
    (21)      peak signal-to-noise ratio       evaluation.metrics.psnr
"""

from mrilab.evaluation.metrics import nrmse, psnr, ssim
from mrilab.physics import (
    SenseModel,
    Wavelet2d,
    cg_sense,
    conjugate_gradients,
    effective_acceleration,
    espirit,
    fft2c,
    g_factor,
    ifft1c,
    ifft2c,
    inversion_recovery,
    l1_wavelet,
    make_mask,
    mvue,
    point_spread,
    pseudo_replica,
    relax,
    rotate,
    rss,
    sense_unfold,
    spin_echo,
    spin_echo_train,
)

__all__ = [
    "ifft1c",
    "relax",
    "rotate",
    "spin_echo_train",
    "spin_echo",
    "inversion_recovery",
    "fft2c",
    "ifft2c",
    "make_mask",
    "point_spread",
    "effective_acceleration",
    "sense_unfold",
    "g_factor",
    "pseudo_replica",
    "espirit",
    "rss",
    "mvue",
    "SenseModel",
    "cg_sense",
    "conjugate_gradients",
    "Wavelet2d",
    "l1_wavelet",
    "psnr",
    "ssim",
    "nrmse",
]
