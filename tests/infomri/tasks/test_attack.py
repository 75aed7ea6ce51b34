"""Attackers, on images of which the best possible answer is known."""

import pytest
import torch

from mrilab.evaluation.metrics import psnr
from mrilab.infomri.tasks.attack import ATTACKERS, Leak, exposure, images, recognised, train_attacker
from mrilab.physics.fourier import fft2c
from mrilab.physics.noise import complex_noise

SIDE = 32


def leak(x, mask, generator):
    y = fft2c(x.to(torch.complex64)) + 0.01 * complex_noise(x.shape, generator)
    return Leak(x[:, None], y[:, None], mask.expand(len(x), -1, -1))


@pytest.mark.parametrize("name", ATTACKERS)
def test_attackers_come_near_the_best_estimate_of_a_gaussian_image(name):
    # white noise of which k-space is known at half of the points, in pairs: what is missing has mean 0, so the best
    # estimate is the zero-filled image, of half the variance as error
    generator = torch.Generator().manual_seed(1)
    mask = torch.zeros(SIDE, SIDE)
    mask[SIDE // 4 + 1 : 3 * SIDE // 4 + 1] = 1.0
    mask[SIDE // 2] = 1.0
    x = torch.randn(160, SIDE, SIDE, generator=generator)
    train, validation = (leak(part, mask, generator) for part in x.split(128))
    made = images(train_attacker(name, train, validation, steps=48), validation)
    zero_filled = torch.fft.ifft2(torch.fft.ifftshift(validation.y[:, 0] * mask, (-2, -1)), norm="ortho")
    error = float((made - validation.x).square().mean())
    best = float((torch.fft.fftshift(zero_filled, (-2, -1)).real - validation.x[:, 0]).square().mean())
    assert 10 * torch.log10(torch.tensor(error / best)) < 0.3


def test_exposure_of_the_mean_image_is_nought():
    x = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    mean = x[:, 0].mean(0)
    found = exposure(mean.expand(200, 1, -1, -1), x, mean)
    assert found["above_mean"] == pytest.approx(0) and found["recognised"] == pytest.approx(0.01)
    assert found["psnr"] == pytest.approx(sum(psnr(mean, each) for each in x[:, 0]) / 200)
    assert recognised(x + 0.01, x) == 1
