"""A study of a drawn knee with the shipped networks."""

from mrilab.sgr.sampling import Sampling
from mrilab.sgr.study import Networks, Study, segmented
from mrilab.sgr.volume import indicator


def test_the_classes_of_a_knee_are_those_of_its_labels():
    study = Study("knee-fine-val-00", 4, Networks.load("score-knee", "segment-knee"), Sampling(steps=8))
    for name in study.networks.first.classes:
        true = study.true(name)
        seen = indicator(segmented(study.networks.first, study.trial.full), study.number(name))
        assert true.any() and 2 * (true & seen).sum() / (true.sum() + seen.sum()) > 0.8
