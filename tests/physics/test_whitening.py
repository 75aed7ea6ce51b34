"""Noise of coils: its covariance, the matrix that whitens it, and what that is worth."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.physics.fourier import fft2c
from mrilab.physics.noise import complex_noise
from mrilab.physics.whitening import background_noise, noise_covariance, spread, whitening_matrix

COILS = 5


@pytest.fixture
def mixing(generator):
    """A matrix that makes correlated noise of white noise; the last coil has 20 times the noise."""
    matrix = torch.eye(COILS, dtype=torch.complex128)
    matrix = matrix + 0.3 * torch.randn(COILS, COILS, generator=generator, dtype=torch.complex128)
    matrix[-1] *= 20
    return matrix


def test_the_covariance_is_that_of_the_mixing(mixing, generator):
    noise = mixing @ complex_noise((COILS, 200_000), generator, torch.float64)  # 1 per real component
    expected = 2 * mixing @ mixing.mH
    scale = expected.diagonal().real.sqrt()
    error = (noise_covariance(noise) - expected) / (scale[:, None] * scale)
    assert error.abs().max() < 4 / 200_000**0.5


def test_whitened_noise_is_white_and_keeps_the_middle_deviation(mixing):
    covariance = 2 * mixing @ mixing.mH
    W = whitening_matrix(covariance)
    middle = covariance.diagonal().real.sqrt().median()
    torch.testing.assert_close(W @ covariance @ W.mH, middle**2 * torch.eye(COILS, dtype=W.dtype))


def test_whitening_gives_the_noise_of_optimal_sense(mixing, generator):
    """The noise of unfolded pixels is diag((S^H Psi^-1 S)^-1), the least of all (Pruessmann et al. 1999, eq. 20)."""
    covariance = 2 * mixing @ mixing.mH
    S = torch.randn(COILS, 3, generator=generator, dtype=torch.complex128)  # three pixels that fold on each other
    W = whitening_matrix(covariance)
    unfold = torch.linalg.pinv(W @ S) @ W  # least squares of whitened data
    noise = (unfold @ covariance @ unfold.mH).diagonal().real
    best = torch.linalg.inv(S.mH @ torch.linalg.inv(covariance) @ S).diagonal().real
    torch.testing.assert_close(noise, best)
    plain = torch.linalg.pinv(S)
    assert ((plain @ covariance @ plain.mH).diagonal().real > 1.5 * best).all()


def test_the_background_tells_the_noise_beside_the_object(mixing, generator):
    height, width = 64, 48
    image = torch.zeros(COILS, height, width, dtype=torch.complex128)
    image[:, 14:50, 8:40] = torch.randn(COILS, 1, 1, generator=generator, dtype=torch.complex128)
    noise = 0.01 * complex_noise((COILS, height * width), generator, torch.float64)
    kspace = fft2c(image) + (mixing @ noise).reshape(image.shape)
    lines = torch.arange(width) % 2 == 0
    covariance = noise_covariance(background_noise(kspace * lines, lines))
    expected = 2 * 0.01**2 * (mixing @ mixing.mH).diagonal().real
    torch.testing.assert_close(covariance.diagonal().real, expected, rtol=0.25, atol=0)
    assert spread(background_noise(kspace * lines, lines)) > 10


def test_a_part_of_the_object_does_not_make_a_coil_noisy(generator):
    noise = complex_noise((COILS, 1000), generator)
    noise[0, :200] += 30
    assert spread(noise) < 1.5


@pytest.mark.parametrize(
    "noise, message",
    [
        (torch.ones(8, 20, dtype=torch.complex64), "are too few"),
        (torch.zeros(2, 20, dtype=torch.complex64), "all zero"),
        (torch.full((2, 20), float("nan"), dtype=torch.complex64), "not finite"),
    ],
)
def test_noise_that_says_nothing_is_refused(noise, message):
    with pytest.raises(UserError, match=message):
        noise_covariance(noise)


def test_two_coils_that_are_one_are_refused(generator):
    noise = complex_noise((1, 100), generator, torch.float64)
    with pytest.raises(UserError, match="singular"):
        whitening_matrix(noise_covariance(torch.cat([noise, noise])))
