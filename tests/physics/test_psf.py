import pytest
import torch

from mrilab.errors import UserError
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.noise import complex_noise
from mrilab.physics.psf import largest_sidelobe, point_spread
from mrilab.physics.sampling import make_mask


def test_full_sampling_gives_one_pixel():
    spread = point_spread(torch.ones(1, 9, dtype=torch.bool), (8, 9))
    expected = torch.zeros(8, 9, dtype=torch.complex64)
    expected[4, 4] = 1
    assert torch.allclose(spread, expected, atol=1e-6)


@pytest.mark.parametrize("acceleration", [2, 3, 4])
def test_every_rth_line_gives_equal_peaks(acceleration):
    mask = torch.zeros(1, 48, dtype=torch.bool)
    mask[:, ::acceleration] = True
    magnitude = point_spread(mask, (8, 48)).abs()
    peaks = torch.nonzero(magnitude[4] > 0.5).flatten()
    assert len(peaks) == acceleration
    assert torch.allclose(magnitude[4, peaks], torch.ones(acceleration), atol=1e-6)
    assert largest_sidelobe(mask, (8, 48)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(16, 20), (15, 21)])
def test_zero_filled_image_is_a_convolution_with_it(shape, generator):
    x = complex_noise(shape, generator)
    mask = make_mask("random", shape, 3, generator=generator, acs=3)
    spread = torch.fft.ifftshift(point_spread(mask, shape))  # peak to index 0
    convolved = torch.fft.ifft2(torch.fft.fft2(x) * torch.fft.fft2(spread))
    fraction = mask.expand(shape).float().mean()
    assert torch.allclose(convolved * fraction, ifft2c(fft2c(x) * mask), atol=1e-5)


def test_a_mask_of_nothing_is_refused():
    with pytest.raises(UserError, match="samples nothing"):
        point_spread(torch.zeros(1, 8, dtype=torch.bool), (8, 8))
