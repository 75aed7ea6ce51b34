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
    (17, 20)  L1-wavelet and its iteration     physics.classical.l1_wavelet
    (18)      step of conjugate gradients      physics.classical.conjugate_gradients
    (19)      soft threshold                   physics.wavelet.Wavelet2d.soft_threshold
    (21)      peak signal-to-noise ratio       evaluation.metrics.psnr
"""
