"""The solutions of lesson 5b's exercises are what the package does."""

import pytest
import torch

from mrilab.evaluation.segmentation import brier, expected_calibration_error
from mrilab.infomri.images import SIGMA
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.sampling import Sampled
from mrilab.infomri.tasks import exercises
from mrilab.infomri.tasks.attack import exposure
from mrilab.infomri.tasks.classify import privacy_loss
from mrilab.infomri.tasks.gaussian import Diagonal, kl


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


def test_kl_is_that_of_the_package():
    q, p = (Diagonal(torch.tensor([[m]]).double(), torch.tensor([[s]]).double().square().log())
            for m, s in ((0.3, 0.5), (-0.2, 1.5)))  # fmt: skip
    assert exercises.kl(0.3, 0.5, -0.2, 1.5) == pytest.approx(float(kl(q, p)))


def test_hard_answers_have_a_calibration_error_that_is_their_error_rate_and_their_brier_score(generator):
    answer, truth = torch.rand(2, 500, generator=generator) < 0.4
    found = float(exercises.hard_ece(answer, truth))
    assert found == pytest.approx(expected_calibration_error(answer.float(), truth))
    assert found == pytest.approx(brier(answer.float(), truth.float()))


def test_private_loss_is_that_of_the_package(generator):
    gaussian = GaussianKspace.of_images(torch.rand(20, 8, 8, generator=generator), SIGMA)
    p = torch.rand(1, 8, 8, generator=generator).double()
    logits, target = torch.randn(1, 3, generator=generator), torch.tensor([1])
    nll = float(torch.nn.functional.cross_entropy(logits, target))
    entropy = float(gaussian.entropy(p)[0] / p.sum())
    found = privacy_loss(logits, target, Sampled(p, p, torch.ones(1)), gaussian, -0.01)
    assert exercises.private_loss(nll, entropy, -0.01) == pytest.approx(float(found), rel=1e-5)


def test_floor_is_what_attacks_are_counted_from(generator):
    train, test = torch.rand(30, 8, 8, generator=generator), torch.rand(100, 8, 8, generator=generator)
    test[:, 0, 0] = 1.0  # the peak of each
    made = torch.rand(100, 1, 8, 8, generator=generator)
    found = exposure(made, test[:, None], train.mean(0))
    assert exercises.floor(train, test) == pytest.approx(found["psnr"] - found["above_mean"], rel=1e-5)
