"""Lesson 1b. From spins to k-space: what the scanner does, and where the Fourier model of lesson 1 ends.

The physics of this lesson is general and lies in `mrilab.physics`.

    (1)   precession in a gradient                 physics.gradients.larmor_offset
    (2)   signal of all spins                      physics.bloch.record
    (3)   signal-to-noise ratio                    physics.scan_time.Scan.snr
    (4)   place in k-space                         physics.gradients.trajectory
    (5)   slice profile for small angles           physics.slice_selection.small_tip_profile
    (6)   gradient of a readout                    physics.gradients.readout_gradient
    (7)   signal with decay and drift              physics.readout.read_out
    (8)   time of a scan                           physics.scan_time.Scan.seconds
    (9)   shift by off-resonance                   physics.gradients.hertz_per_pixel
"""
