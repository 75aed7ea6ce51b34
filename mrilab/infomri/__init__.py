"""Lesson 5. Information-theoretic learned sampling, after Peng et al. (2026), "InfoMRI".

    (1)   the samples of an image                  physics.acquisition.SenseModel.forward
    (2)   what one sample tells                    information.GaussianKspace.single
    (3)   what a pair tells                        information.GaussianKspace.pair
    (4)   what a mask tells                        information.GaussianKspace.information
    (5)   error that a mask leaves                 information.GaussianKspace.error
    (6)   redundancy                               physics.pairs.redundancy
    (7)   what lines of several coils tell         coils.lines_information
    (8)   pattern network                          pattern.PatternNetwork.forward
    (9)   the paper's normalisation                normalisation.rescale
    (10)  ours                                     normalisation.threshold
    (11)  draw and rejection                       draw.draw
    (12)  straight-through gradient                draw.straight_through
    (13)  bound that training raises               train.ImageTask.loss
    (14)  likelihood of the image                  losses.nll
    (15)  the same, weighted                       losses.beta_nll
    (16)  mean distance of two curves              evaluation.bjontegaard.bd_psnr

`gaussian` trains a pattern where the best one is known, `sequential` and `policy` are baselines that look at the image.
"""
