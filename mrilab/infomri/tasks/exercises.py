"""Lesson 5, part 2, tasks instead of images: solutions and typical mistakes; `EXERCISES` stands at the end."""

import math

import torch
from torch import Tensor

from mrilab.evaluation.segmentation import ged, iou
from mrilab.teach.exercises import Exercise, Mistake


def kl(m_q: float, s_q: float, m_p: float, s_p: float) -> float:
    """Return D_KL(q || p) in nats of two Gaussians with these means and deviations."""
    return math.log(s_p / s_q) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_p**2) - 0.5


def answer_ged(answer: Tensor, raters: Tensor) -> float:
    """Return (1) of one answer (H, W) to several raters (R, H, W), all pairs counted."""
    return ged(answer[None], raters)


def _distance(answer: Tensor, raters: Tensor) -> float:
    return float(1 - iou(answer[None], raters).mean())


def hard_ece(answer: Tensor, truth: Tensor) -> Tensor:
    """Return (6) of probabilities that are all 0 or 1: the share of wrong pixels."""
    return (answer != truth).double().mean()


def private_loss(nll: float, entropy: float, beta: float) -> float:
    """Return what is minimised where log q + beta H is maximised."""
    return nll - beta * entropy


def floor(train: Tensor, test: Tensor) -> float:
    """Return the PSNR in dB of the mean training image, for images (n, H, W) with a peak of 1: mean over the images."""
    errors = (test - train.mean(0)).square().mean((-2, -1))
    return float(-10 * errors.log10().mean())


def _masks(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.5


def _images(seed: int, n: int) -> Tensor:
    images = torch.rand(n, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return images * torch.linspace(0.3, 1, n, dtype=torch.float64)[:, None, None]


EXERCISES = {
    "kl": Exercise(
        kl,
        "it is 0 for equal Gaussians only, and not symmetric: a narrow q in a wide p costs less than the reverse.",
        {
            "reversed": Mistake(
                lambda m_q, s_q, m_p, s_p: kl(m_p, s_p, m_q, s_q), "that is D(p || q): the mean is taken under q."
            ),
            "without-half": Mistake(
                lambda m_q, s_q, m_p, s_p: kl(m_q, s_q, m_p, s_p) + 0.5,
                "of two equal Gaussians it has to be 0: the entropy of q brings another -1/2.",
            ),
            "without-means": Mistake(
                lambda m_q, s_q, m_p, s_p: kl(m_q, s_q, m_q, s_p), "the distance of the means is missing."
            ),
            "without-logarithm": Mistake(
                lambda m_q, s_q, m_p, s_p: kl(m_q, s_q, m_p, s_p) - math.log(s_p / s_q),
                "the logarithm of the ratio of the deviations is missing.",
            ),
        },
        cases=[(0.3, 0.5, -0.2, 1.5), (0.0, 2.0, 1.0, 0.7), (1.0, 0.4, 0.2, 0.4)],
    ),
    "ged": Exercise(
        answer_ged,
        "one answer does not differ from itself, so nothing pays for the raters' disagreement that it misses.",
        {
            "once": Mistake(
                lambda a, r: answer_ged(a, r) - _distance(a, r), "the distance to the raters counts twice."
            ),
            "without-raters": Mistake(
                lambda a, r: 2 * _distance(a, r), "the raters' own disagreement is subtracted."
            ),
            "other-raters": Mistake(
                lambda a, r: ged(a[None], r, unbiased=True),
                "here all pairs of raters count, those of a rater with itself as well.",
            ),
            "iou": Mistake(
                lambda a, r: 2 * (1 - _distance(a, r)) - 1 - float(iou(r, r).mean()), "d is 1 - IoU, not IoU."
            ),
        },
        cases=[(_masks(1, 6, 5), _masks(2, 3, 6, 5)), (_masks(3, 4, 4), _masks(4, 2, 4, 4))],
    ),
    "ece": Exercise(
        hard_ece,
        "a hard answer says that it is sure of every pixel, so each wrong one counts in full. (7) has the same value.",
        {
            "right": Mistake(lambda a, z: (a == z).double().mean(), "that is the share of right pixels."),
            "only-ones": Mistake(
                lambda a, z: (a & ~z).double().mean(), "the first bin counts as well: zeros where the truth is 1."
            ),
            "only-zeros": Mistake(
                lambda a, z: (~a & z).double().mean(), "the last bin counts as well: ones where the truth is 0."
            ),
            "sizes": Mistake(
                lambda a, z: (a.double().mean() - z.double().mean()).abs(),
                "the bins are compared one by one; errors of different bins do not cancel.",
            ),
        },
        cases=[(_masks(5, 40), _masks(6, 40)), (_masks(7, 25), _masks(8, 25))],
    ),
    "weights": Exercise(
        "b",
        "the KL is the only price of what the posterior takes from the label. If it is free, the posterior takes all, "
        "and the prior, which has not seen the label, has nothing to do with it.",
        {
            "a": Mistake("a", "that happens when the KL is too dear: then w may not know more than the prior does."),
            "c": Mistake("c", "is what is decoded in training the same as what is decoded in use?"),
        },
    ),
    "sign": Exercise(
        private_loss,
        "with beta < 0 the entropy is added to the loss: samples that tell much of the image cost.",
        {
            "sign": Mistake(
                lambda nll, h, b: nll + b * h, "training minimises; what is maximised changes its sign, in both terms."
            ),
            "absolute": Mistake(
                lambda nll, h, b: nll + abs(b) * h, "right for beta < 0 only; with beta > 0 entropy is a gain."
            ),
            "nll": Mistake(
                lambda nll, h, b: -nll - b * h, "the cross-entropy is minus log q already."
            ),
        },
        cases=[(0.7, 120.0, -1e-3), (1.2, 80.0, 2e-3)],
    ),
    "floor": Exercise(
        floor,
        "who has no samples at all can still do that well. What an attack brings is counted from here.",
        {
            "black": Mistake(
                lambda a, b: floor(torch.zeros_like(a), b), "a black image is not the best guess; take the mean image."
            ),
            "logarithm-last": Mistake(
                lambda a, b: float(-10 * (b - a.mean(0)).square().mean().log10()),
                "take the PSNR of each image first, and then the mean over the images.",
            ),
            "own-mean": Mistake(
                lambda a, b: floor(b, b), "the attacker does not have the test images: take the mean of the others."
            ),
            "grey": Mistake(
                lambda a, b: floor(a.mean().expand_as(a), b), "take the mean of each pixel, not one grey for all."
            ),
        },
        cases=[(_images(9, 12), _images(10, 5)), (_images(11, 7), _images(12, 9))],
    ),
}  # fmt: skip
