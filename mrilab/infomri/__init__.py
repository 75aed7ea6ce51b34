"""Lesson 5. Information-theoretic learned sampling, after Peng et al. (2026), "InfoMRI".

    (1)   the samples of an image                  physics.acquisition.SenseModel.forward
    (2)   what one sample tells                    information.GaussianKspace.single
    (3)   what a pair tells                        information.GaussianKspace.pair
    (4)   what a mask tells                        information.GaussianKspace.information
    (5)   error that a mask leaves                 information.GaussianKspace.error
    (6)   what lines of several coils tell         coils.lines_information
    (7)   pattern network                          pattern.PatternNetwork.forward
    (8)   the paper's normalisation                normalisation.rescale
    (9)   ours                                     normalisation.threshold
    (10)  draw and rejection                       draw.draw
    (11)  straight-through gradient                draw.straight_through
    (12)  bound that training raises               train.ImageTask.loss
    (13)  likelihood of the image                  losses.nll
    (14)  the same, weighted                       losses.beta_nll
    (15)  redundancy                               physics.pairs.redundancy
    (16)  mean distance of two curves              evaluation.bjontegaard.bd_psnr

`gaussian` trains a pattern where the best one is known, `sequential` and `policy` are baselines that look at the image.
"""
