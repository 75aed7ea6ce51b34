"""A pattern network on the Gaussian image finds the best masks."""

import pytest
import torch

from mrilab.infomri.coils import best_order, lines_information, toy_scan
from mrilab.infomri.draw import draw, straight_through, top_k
from mrilab.infomri.gaussian import exact, linear, share_of_best, train_pattern
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.pattern import PatternNetwork
from mrilab.physics.densities import distance, uniform_points
from mrilab.physics.pairs import own_partner

SHAPE = (32, 32)
RATIOS = torch.tensor([0.0625, 0.125, 0.25, 0.5])


def natural(shape=SHAPE):
    """Variances that fall with the distance from DC, as those of images do, and noise a hundredth of the largest."""
    power = 1 / (0.02 + distance(shape).double()) ** 3
    power = power / power.max()
    return GaussianKspace(power, power.masked_fill(own_partner(shape), 0), 1e-5)


def pattern(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PatternNetwork(SHAPE, slope=1.0, **changes)


def test_the_exact_gradient_finds_the_best_masks():
    image = natural()
    trained = train_pattern(pattern(), exact(image), 600, (0.05, 0.5))
    with torch.no_grad():
        p = trained(RATIOS)
    assert (share_of_best(image, top_k(p, RATIOS * 1024)) >= 0.98).all()
    drawn = draw(p, RATIOS * 1024, torch.Generator().manual_seed(0)).mask
    assert (share_of_best(image, drawn) >= 0.96).all()


def test_straight_through_along_a_linear_reconstruction_comes_near():
    image = natural()
    trained = train_pattern(pattern(), linear(image), 600, (0.05, 0.5))
    with torch.no_grad():
        p = trained(RATIOS)
    learned = share_of_best(image, top_k(p, RATIOS * 1024))
    uniform = torch.stack([uniform_points(SHAPE, int(r * 1024), torch.Generator().manual_seed(0)) for r in RATIOS])
    assert (learned >= 0.94).all() and (learned > share_of_best(image, uniform)).all()


def test_the_linear_reconstruction_has_the_error_of_the_closed_form():
    """Its weights are those of the best estimate, so minus the objective is `error` over the image's variance."""
    image = natural()
    fixed = pattern()
    generator = torch.Generator().manual_seed(1)
    objective = linear(image)
    with torch.no_grad():
        value = torch.stack([objective(fixed, torch.full((16,), 0.25), generator) for _ in range(20)]).mean()
        masks = draw(fixed(torch.full((64,), 0.25)), torch.full((64,), 256.0), generator).mask
    expected = image.error(masks).mean() / (image.real + image.imaginary).sum()
    assert -float(value) == pytest.approx(float(expected), rel=0.1)


@pytest.mark.parametrize("estimator", ["sigmoid", "soft"])
def test_estimators_point_along_the_exact_gradient(estimator):
    """Cosine of the mean estimate and the exact gradient of the expected error of a linear reconstruction."""
    image = natural((16, 16))
    generator = torch.Generator().manual_seed(0)
    p = torch.full((1, 16, 16), 0.25, dtype=torch.float64, requires_grad=True)
    s = image.real + image.imaginary
    weight = s / (s + 2 * image.noise)

    def error(m):  # of independent complex points: each is estimated from its own sample alone
        return (s * (1 - weight * m) ** 2 + (weight * m) ** 2 * 2 * image.noise).sum((-2, -1))

    # m^2 = m, so the expectation is linear in p
    (exact_slope,) = torch.autograd.grad((s * (1 - p) + p * error_of_one(s, weight, image.noise)).sum(), p)
    rows = []
    for _ in range(200):
        drawn = draw(p.detach(), torch.tensor([64.0]), generator, off=1000)
        m = straight_through(drawn, p, estimator)
        (slope,) = torch.autograd.grad(error(m).sum(), p)
        rows.append(slope.flatten())
    mean = torch.stack(rows).mean(0)
    cosine = torch.nn.functional.cosine_similarity(mean, exact_slope.flatten(), dim=0)
    assert float(cosine) > 0.98


def error_of_one(s, weight, noise):
    return s * (1 - weight) ** 2 + weight**2 * 2 * noise


def test_four_coils_learn_the_lines_that_greedy_finds():
    """24 lines, choose 6: at least 97 % of greedy's information, straight through the draw of slope 10."""
    n = 24
    rows, cov, noise = toy_scan(4, n)

    def information(weight):
        return lines_information(rows, cov, noise, weight)

    greedy = information(torch.zeros(n).double().index_fill(0, torch.tensor(best_order(rows, cov, noise, 6)), 1.0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = PatternNetwork((1, n), "lines", slope=1.0)

    def objective(learner, r, generator):
        p = learner(r)
        m = straight_through(draw(p, torch.full((len(r),), 6.0), generator), p).double()
        return torch.stack([information(each[0]) for each in m]).mean() / 10

    train_pattern(learner, objective, 400, (0.25, 0.25))
    with torch.no_grad():
        found = information(top_k(learner(torch.tensor([0.25])), torch.tensor([6]))[0, 0].double())
    assert found >= 0.97 * greedy
