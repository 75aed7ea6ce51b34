import math

import pytest
import torch
from scipy.integrate import quad
from torch import nn

from mrilab.csgm.denoiser import denoising_loss
from mrilab.csgm.train import PROFILES, SIGMA_MIN, TASKS
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.training.feed import part_generator


@pytest.fixture(scope="module", params=TASKS)
def task(request):
    return TASKS[request.param].build(side=32, width=8)


class BestForGaussians(nn.Module):
    """The posterior mean of white Gaussian images of standard deviation tau per real component."""

    def __init__(self, tau: float):
        super().__init__()
        self.tau = tau

    def forward(self, x, sigma):
        return x * (self.tau**2 / (self.tau**2 + sigma.square()))[:, None, None]


def white(n, side, generator):
    return complex_noise((n, side, side), generator, torch.float64)


@pytest.mark.parametrize("tau", [0.25, 0.1, 1.0])
def test_the_loss_at_the_optimum_is_its_closed_form_on_gaussians(tau, generator):
    """E lambda(sigma) tau^2 sigma^2 / (tau^2 + sigma^2) over log-uniform sigma; 1 where tau is sigma_data."""
    n, side, sigma_data, low, high = 40_000, 4, 0.25, 0.01, 50.0

    def at(u):
        square = (low * (high / low) ** u) ** 2
        return (square + sigma_data**2) / (square * sigma_data**2) * tau**2 * square / (tau**2 + square)

    expected = quad(at, 0, 1)[0]
    second, _ = quad(lambda u: at(u) ** 2, 0, 1)
    # an image's loss is at(u) chi^2_m / m with m = 2 side^2
    spread = math.sqrt((second * (1 + 2 / (2 * side**2)) - expected**2) / n)
    clean, noise = tau * white(n, side, generator), white(n, side, generator)
    sigma = low * (high / low) ** torch.rand(n, generator=generator, dtype=torch.float64)
    measured = denoising_loss(BestForGaussians(tau), (clean, sigma, noise), sigma_data).item()
    assert abs(measured - expected) < 4 * spread < 0.05 * expected
    if tau == sigma_data:
        assert expected == pytest.approx(1, abs=1e-9)


def test_no_other_linear_denoiser_has_a_lower_loss(generator):
    tau, n = 0.3, 500
    batch = (tau * white(n, 8, generator), torch.rand(n, generator=generator).double() + 0.1, white(n, 8, generator))
    best = denoising_loss(BestForGaussians(tau), batch, tau)
    for wrong in (0.8 * tau, 1.25 * tau):
        assert denoising_loss(BestForGaussians(wrong), batch, tau) > best


def test_the_loss_is_denoising_score_matching(generator):
    """lambda sigma^4 |score + n / sigma|^2, the score from the same denoiser."""
    clean, noise, own = white(3, 8, generator), white(3, 8, generator), 0.4
    sigma, best = torch.tensor([0.1, 1.0, 7.0], dtype=torch.float64), BestForGaussians(0.2)
    noisy = clean + sigma[:, None, None] * noise
    score = (best(noisy, sigma) - noisy) / sigma[:, None, None] ** 2
    each = (score + noise / sigma[:, None, None]).abs().square().sum((1, 2)) / (2 * 8 * 8)
    weight = (sigma**2 + own**2) / (sigma * own) ** 2 * sigma**4
    torch.testing.assert_close(denoising_loss(best, (clean, sigma, noise), own), (weight * each).mean())


def test_a_part_is_decided_by_its_generator(task):
    cpu = torch.device("cpu")
    first, again = (task.part(3, part_generator(0, 1, 2), cpu) for _ in range(2))
    other = task.part(3, part_generator(0, 1, 3), cpu)
    for one, two, three in zip(first, again, other, strict=True):
        assert torch.equal(one, two) and not torch.equal(one, three)


def test_images_are_scaled_and_noise_is_unit_and_sigma_in_its_range(task):
    clean, sigma, noise = task.part(24, part_generator(0, 0, 1), torch.device("cpu"))
    assert clean.shape == noise.shape == (24, 32, 32) and sigma.shape == (24,)
    assert clean.dtype == noise.dtype == torch.complex64
    torch.testing.assert_close(quantile_scale(clean), torch.ones(24, 1, 1))
    components = torch.view_as_real(noise)
    count = components.numel()
    assert components.mean().abs() < 4 / math.sqrt(count)
    assert (components.var() - 1).abs() < 4 * math.sqrt(2 / count)
    assert SIGMA_MIN <= sigma.min() < 0.1 < 3 < sigma.max() <= task.sigma_max
    assert 0.5 * task.sigma_data < torch.view_as_real(clean).std() < 2 * task.sigma_data


def test_validation_is_fixed_and_of_the_untrained_network_near_the_gaussian_value(task):
    with torch.no_grad():
        (loss, picture), (again, _) = task.validate(task.network), task.validate(task.network)
        by_hand = task.loss(BestForGaussians(task.sigma_data), task._fixed).item()  # F = 0
    assert loss == again == pytest.approx(by_hand, rel=1e-5)
    assert picture.shape == (3 * 32, 8 * 32) and 0 <= picture.min() and picture.max() <= 1
    torch.testing.assert_close(picture[:32, :32], task._fixed[0][0].abs().clamp(max=1))  # the first clean image


def test_validation_slices_are_not_training_slices(task):
    trained = task.part(8, part_generator(0, 0, 0), torch.device("cpu"))[0]  # the same numbers, the other split
    assert torch.cdist(*(torch.view_as_real(x).flatten(1) for x in (trained, task._fixed[0]))).min() > 1


def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_own_state():
    before = torch.get_rng_state()
    first, again = (TASKS["score-t2"].build(32, 8) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    for one, two in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)
    assert first.config == again.config


def test_profiles_can_be_shared_by_several_devices_and_fit_a_checkpoint():
    for profile in PROFILES.values():
        assert profile.settings.batch % profile.settings.parts == 0 and profile.settings.parts % 2 == 0
        assert profile.width <= 32  # 3.5 million parameters, see tests/nets
