"""Lesson 5, part 2: sampling for a task instead of an image (Peng et al. 2026, algorithms 2 to 5).

    (1)   distance of answers and raters           evaluation.segmentation.ged
    (2)   bound of the answer's likelihood         elbo.terms
    (3)   divergence of two Gaussians              gaussian.kl
    (4)   prior, posterior and answer              latent.LatentSegmenter.forward
    (5)   weighted loss                            elbo.weighted
    (6)   calibration error                        evaluation.segmentation.expected_calibration_error
    (7)   Brier score                              evaluation.segmentation.brier
    (8)   task against entropy                     classify.privacy_loss
    (9)   entropy of a pattern's samples           infomri.information.GaussianKspace.entropy

`stages` names the models for segmentation and what each is trained for, `classifiers` those for classification;
`linet`, `pipeline` and `active` are baselines, `attack` makes images of samples that are meant for something else.
"""
