import math

import pytest
import torch

from mrilab.evaluation.metrics import psnr
from mrilab.flat.flow import time_grid
from mrilab.flat.stability import expected_norm, steadiness, worst_case
from mrilab.physics import equispaced_mask
from mrilab.physics.noise import complex_noise

SHAPE = (9, 8)


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def test_the_ideal_path_is_steady(generator):
    clean, start, t = randn(*SHAPE, generator=generator), randn(*SHAPE, generator=generator), time_grid(6, 1.0)
    states = (1 - t)[:, None, None] * clean + t[:, None, None] * start
    states = states[:-1]  # it ends at x_0, whose PSNR is infinite
    found = steadiness(states, t[:-1], clean)
    assert found.violations == 0 and found.drawdown == 0
    assert found.distance == pytest.approx(0, abs=1e-20)
    assert found.detour == pytest.approx(1)


def test_the_ray_to_a_mean_follows_the_law(generator):
    """For errors of start and end that are orthogonal, as those of a conditional mean are on average."""
    clean, t = randn(*SHAPE, generator=generator), time_grid(5, 0.0)
    end_error, away = torch.zeros(2, *SHAPE, dtype=torch.complex128)
    end_error[:4], away[4:] = 0.1, 0.7j
    mean = clean + end_error
    states = (1 - t)[:, None, None] * mean + t[:, None, None] * (mean + away)
    found = steadiness(states, t, clean)
    assert found.law == pytest.approx(0, abs=1e-9) and found.detour == pytest.approx(1) and found.violations == 0
    ideal = (1 - t)[:, None, None] * clean + t[:, None, None] * states[0]
    expected = ((states - ideal).abs().square().sum((1, 2)) / clean.abs().square().sum())[1:].mean()
    assert found.distance == pytest.approx(float(expected))


def test_steps_back_are_counted_and_added_up(generator):
    clean = torch.ones(*SHAPE, dtype=torch.complex128)
    errors = [0.5, 0.1, 0.3, 0.1001, 0.1, 0.1002]  # back after 1, and after 4 by less than counts
    states = torch.stack([clean + e for e in errors])
    found = steadiness(states, time_grid(5), clean)
    assert found.violations == 1
    falls = 20 * math.log10(0.3 / 0.1) + 20 * math.log10(0.1002 / 0.1)
    assert found.drawdown == pytest.approx(falls)
    assert found.detour == pytest.approx((0.4 + 0.2 + 0.1999 + 0.0001 + 0.0002) / (0.5 - 0.1002))
    assert psnr(states[0], clean) == pytest.approx(20 * math.log10(1 / 0.5))


def test_the_worst_case_of_a_linear_reconstruction_is_its_first_singular_vector(generator):
    matrix = randn(72, 3 * 72, generator=generator)
    mask = equispaced_mask(SHAPE, 2, acs=2)
    y = randn(3, *SHAPE, generator=generator) * mask
    seen = matrix * mask.expand(3, *SHAPE).flatten()
    values = torch.linalg.svdvals(seen)
    image, amplification = worst_case(
        lambda k: (matrix @ k.flatten()).unflatten(0, SHAPE), y, mask, (matrix @ y.flatten()).unflatten(0, SHAPE),
        radius=0.3, generator=generator, steps=400,
    )  # fmt: skip
    assert amplification == pytest.approx(float(values[0]), rel=1e-3)
    # of the whole length, and nothing of it where the mask is not, where the matrix would have amplified, too
    moved = image - (matrix @ y.flatten()).unflatten(0, SHAPE)
    assert float(torch.linalg.vector_norm(moved)) == pytest.approx(0.3 * float(values[0]), rel=1e-3)


def test_the_worst_case_is_worse_than_noise_of_the_same_norm(generator):
    mask, clean = equispaced_mask(SHAPE, 2, acs=2), randn(*SHAPE, generator=generator)
    y = randn(2, *SHAPE, generator=generator) * mask

    def reconstruct(k):
        image = torch.fft.ifft2(k, norm="ortho").sum(0)
        return image / (1 + image.abs())

    image, _ = worst_case(reconstruct, y, mask, clean, 0.5, generator)
    noise = randn(2, *SHAPE, generator=generator) * mask
    noisy = reconstruct(y + 0.5 * noise / torch.linalg.vector_norm(noise))
    assert (image - clean).norm() > (noisy - clean).norm()


def test_the_expected_norm_is_that_of_noise(generator):
    mask = equispaced_mask((64, 64), 4)
    noise = 0.02 * complex_noise((8, 64, 64), generator) * mask
    assert expected_norm(0.02, mask, noise.shape) == pytest.approx(float(noise.norm()), rel=0.02)
