"""The toy of lesson 4: its posterior, its chains and its bounds against what is known of them."""

import pytest
import torch

from mrilab.sgr.dds import run_chain
from mrilab.sgr.toy import draw_toy, guided_volumes, reached, repeated_volumes, toy_grid


@pytest.fixture
def toy(generator):
    return draw_toy(6, generator, acceleration=8)


def test_the_posterior_is_that_of_every_frequency_by_itself(toy):
    mask = toy.model.mask
    left = torch.where(mask, toy.noise_std**2 / (toy.prior.variance + toy.noise_std**2), 1.0) * toy.prior.variance
    assert torch.allclose(toy.posterior.covariance().diagonal().real, left.mean().expand(64), rtol=1e-6)
    gain = mask * toy.prior.variance / (toy.prior.variance + toy.noise_std**2)
    mean = toy.model.adjoint(toy.model.forward(toy.model.adjoint(toy.y)) * gain)
    assert torch.allclose(toy.posterior.mean, mean, atol=1e-6)


def test_a_mask_keeps_the_centre_and_the_share(generator):
    for acceleration, count in ((2, 32), (4, 16), (16, 4)):
        mask = draw_toy(1, generator, acceleration=acceleration).model.mask[0]
        assert mask.sum() == count and mask[32 - count // 4 + 1 : 32 + count // 4].all()


def test_volumes_are_counts_of_samples_above_the_level(toy):
    assert toy.volumes(toy.truth).tolist() == [sum(v > toy.level for v in x[0].real.tolist()) for x in toy.truth]
    assert toy.volumes(torch.full((3, 2, 1, 64), toy.level, dtype=torch.complex128)).tolist() == [[0, 0]] * 3  # ties


def test_exact_chains_end_in_the_posterior_and_with_more_steps_nearer(toy, generator):
    def off(steps):
        x = run_chain(toy.exact_chain(), toy_grid(steps), 200, generator)[:, :, 0]  # (200, trials, 64)
        left = x - toy.posterior.mean[:, 0]
        assert left.mean(0).abs().max() < 5 * (2 * toy.posterior.covariance().diagonal().real.max() / 200) ** 0.5
        return float((left.abs().square().mean() / 2 / toy.posterior.covariance().diagonal().real.mean() - 1).abs())

    few, many = off(15), off(120)
    assert many < 0.1 and many < few / 4  # first order in the ratio of neighbouring noise levels


def test_chains_with_a_data_step_fit_the_data(toy, generator):
    x = run_chain(toy.dds_chain(), toy_grid(), 4, generator)
    residual = toy.model.forward(x) - toy.y
    assert float(residual.abs().square().sum() / (2 * 4 * 6 * 8)) ** 0.5 < 2 * toy.noise_std


def test_exact_samples_hold_the_truth_as_often_as_exchangeability_says(generator):
    toy = draw_toy(600, generator, acceleration=8)
    drawn = repeated_volumes(toy, None, 16, generator).double() + 1e-3 * torch.rand(16, 600, generator=generator)
    truth = toy.volumes(toy.truth).double() + 1e-3 * torch.rand(600, generator=generator)  # no ties
    held = ((drawn.amin(0) <= truth) & (truth <= drawn.amax(0))).double().mean()
    assert held == pytest.approx(15 / 17, abs=4 * (15 / 17 * 2 / 17 / 600) ** 0.5)


@pytest.mark.parametrize("chain", ["exact_chain", "dds_chain"])
def test_bounds_of_the_toy_part_with_the_strength(toy, chain, generator):
    def gap(b):
        low, up = guided_volumes(toy, getattr(toy, chain)(), b, torch.Generator().manual_seed(3), steps=12)
        return (up - low).double()

    assert (gap(0.0) == 0).all()
    weak, strong = gap(0.05), gap(0.3)
    assert 0 < weak.mean() < strong.mean() and (strong > 0).all()


def test_a_quantile_counts_draws_below_and_half_of_those_at_the_bound():
    posterior = torch.tensor([[1, 1], [2, 1], [3, 1], [4, 1]])
    assert reached(torch.tensor([[0, 1], [3, 2]]), posterior).tolist() == [[0, 0.5], [0.625, 1]]
