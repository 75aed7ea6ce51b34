"""Lesson 4. Segmentation-guided reconstruction, after Morshuis, Hein and Baumgartner (2024), "SGR".

    (1)       the data and the image               physics.acquisition.SenseModel.forward
    (2)       schedule of the diffusion            diffusion.alpha_bar
    (3)       epsilon matching                     train.DiffusionTask
    (4)       epsilon from a denoiser, Tweedie     dds.Chain.clean
    (5)       data step                            dds.Chain.consistent
    (6)       DDIM's step                          dds.Chain.previous
    (7)       volume of a class                    volume.volume
    (8)       pixels that a class wins             volume.indicator
    (9, 10)   loss of the upper bound              guidance.up_loss
    (11, 12)  loss of the lower bound, its mask    guidance.low_loss
    (13)      guided step                          dds.run_chain
    (14)      length of the push                   guidance.step_length
    (15)      image at another place               moved.moved
    (16)      controls of equal volume             controls.highest
    (17)      share that a second network sees     measures.transfer
    (18)      margin of calibrated bounds          calibration.conformal_margin

`toy` has a Gaussian process whose posterior of the volume is known, and `attack` what guidance is held against.
"""
