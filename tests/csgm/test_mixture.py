"""A trained denoiser against the exact score of a Gaussian mixture of images."""

import pytest
import torch

from mrilab.csgm.denoiser import Denoiser, denoising_loss
from mrilab.methods.exact import Gaussian, Mixture
from mrilab.physics.noise import complex_noise

SHAPE, STEPS, BATCH = (8, 8), 1000, 64
STDS = (0.05, 0.1, 0.2, 0.3)
LOW, HIGH = 0.05, 3.0


def mixture():
    """A flat image, ramps along either axis and nothing at all, each with grain of its own, in equal shares."""
    ramp = torch.linspace(-0.6, 0.6, SHAPE[0]).expand(SHAPE)
    means = [torch.full(SHAPE, 0.4 + 0j), ramp * 1j, ramp.mT - 0.2j, torch.zeros(SHAPE) + 0j]
    return Mixture(torch.ones(4), [Gaussian(mean, torch.tensor(std**2)) for mean, std in zip(means, STDS, strict=True)])


@pytest.fixture(scope="module")
def trained():
    generator = torch.Generator().manual_seed(7)
    prior = mixture()
    sigma_data = torch.view_as_real(prior.sample(500, generator)).std().item()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Denoiser(8, sigma_data)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        sigma = LOW * (HIGH / LOW) ** torch.rand(BATCH, generator=generator)
        noise = complex_noise((BATCH, *SHAPE), generator)
        optimizer.zero_grad()
        denoising_loss(network, (prior.sample(BATCH, generator), sigma, noise), sigma_data).backward()
        optimizer.step()
        schedule.step()
    return prior, network.eval()


@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0])
def test_the_trained_score_is_close_to_the_exact_one(trained, sigma, generator):
    """The error of the denoiser, against what no denoiser can know, and against one that takes pixels for Gaussian."""
    prior, network = trained
    clean = prior.sample(400, generator)
    noisy = clean + sigma * complex_noise(clean.shape, generator)
    exact = noisy + sigma**2 * prior.score(noisy, sigma)
    with torch.no_grad():
        ours = noisy + sigma**2 * network.score(noisy, torch.full((400,), sigma))

    def distance(a, b):
        return (a - b).abs().square().mean().item()

    mean = sum(part.mean for part in prior.parts) / 4
    variance = sum(part.variance + (part.mean - mean).abs().square() / 2 for part in prior.parts) / 4
    single = Gaussian(mean, variance)  # what one Gaussian a pixel can know
    linear = noisy + sigma**2 * single.score(noisy, sigma)
    assert distance(ours, exact) < 0.1 * distance(clean, exact)
    assert distance(ours, exact) < 0.25 * distance(linear, exact)
