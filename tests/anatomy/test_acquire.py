import math

import pytest
import torch

from mrilab.anatomy.acquire import add_noise, band_limit, simulate_scan, truncate
from mrilab.anatomy.arrays import pixel_coordinates, random_array
from mrilab.errors import UserError
from mrilab.physics.fourier import centre_crop, fft2c, ifft2c


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def disc(shape, radius=0.35):
    y, x = pixel_coordinates(shape)
    return (x**2 + y**2 < radius**2).to(torch.complex64) * torch.polar(torch.ones(()), 3 * x - 2 * y)


@pytest.mark.parametrize("coarse,fine", [((32, 32), (64, 64)), ((33, 25), (99, 75)), ((33, 32), (80, 75))])
def test_intensity_and_position_survive_the_truncation(coarse, fine):
    # a band-limited image is known exactly on both grids: a few Fourier components
    def wave(shape):
        y, x = pixel_coordinates(shape)
        return (
            1.5
            + torch.polar(torch.tensor(0.7), 2 * torch.pi * (3 * x - 5 * y))
            - 0.2j * torch.exp(2j * torch.pi * 4 * y)
        )

    torch.testing.assert_close(band_limit(wave(fine), coarse), wave(coarse), atol=2e-5, rtol=1e-5)


def test_flat_image_keeps_its_value_and_plain_cropping_would_not():
    flat = torch.full((64, 48), 2.0, dtype=torch.complex64)
    torch.testing.assert_close(band_limit(flat, (32, 24)), flat[:32, :24])
    brighter = ifft2c(centre_crop(fft2c(flat), (32, 24)))
    torch.testing.assert_close(brighter, 2 * flat[:32, :24])


def test_noise_free_scan_is_the_truncated_product_of_object_and_sensitivities():
    array, fine, shape = random_array(8, seeded()), (128, 96), (64, 48)
    image = disc(fine)
    y = simulate_scan(image, array.maps(fine), shape)
    assert y.shape == (8, 64, 48) and y.dtype == torch.complex64
    coil_3 = band_limit(image * array.maps(fine)[3], shape)
    torch.testing.assert_close(ifft2c(y)[3], coil_3)
    # combined with the true maps on the coarse grid it is the truth, but for Gibbs ringing at the edges
    combined = (array.maps(shape).conj() * ifft2c(y)).sum(0)
    y_, x_ = pixel_coordinates(shape)
    inside = x_**2 + y_**2 < 0.2**2
    assert (combined - disc(shape)).abs()[inside].max() < 0.06
    assert (combined - band_limit(image, shape)).abs().max() < 0.06


def test_no_inverse_crime():
    # k-space made on the coarse grid itself differs by far more than rounding
    array, fine, shape = random_array(8, seeded()), (128, 128), (64, 64)
    honest = simulate_scan(disc(fine), array.maps(fine), shape)
    crime = fft2c(disc(shape) * array.maps(shape))
    assert (honest - crime).norm() / honest.norm() > 0.02
    with pytest.raises(UserError, match="at least 128 x 128 pixels"):
        simulate_scan(disc(shape), array.maps(shape), shape)


def test_batches_in_front_equal_one_by_one():
    array, fine, shape = random_array(4, seeded()), (40, 40), (20, 19)
    images = torch.randn(3, 2, *fine, dtype=torch.complex64, generator=seeded(1))
    batch = simulate_scan(images, array.maps(fine), shape)
    assert batch.shape == (3, 2, 4, 20, 19)
    torch.testing.assert_close(batch[2, 1], simulate_scan(images[2, 1], array.maps(fine), shape))


def test_oversampled_readout_shows_the_same_image_in_a_wider_field():
    array, fine, shape = random_array(8, seeded()), (128, 128), (64, 60)
    maps = array.maps(fine)
    plain = simulate_scan(disc(fine), maps, shape)
    wide = simulate_scan(disc(fine), maps, shape, oversampling=2)
    assert wide.shape == (8, 128, 60)
    # every other readout sample is the sample of the plain scan, up to the orthonormal factor
    torch.testing.assert_close(wide[:, ::2] * math.sqrt(2), plain, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(centre_crop(ifft2c(wide), shape), ifft2c(plain), atol=0.1, rtol=0)


def test_noise_has_the_stated_deviation_in_kspace_and_in_the_image():
    std, shape = 0.3, (128, 128)
    clean = simulate_scan(disc((256, 256)), torch.ones(8, 256, 256), shape)
    noisy = simulate_scan(disc((256, 256)), torch.ones(8, 256, 256), shape, std, seeded())
    for noise in (noisy - clean, ifft2c(noisy - clean)):
        n = noise.numel()
        tolerance = 5 * std / math.sqrt(2 * n)  # five standard errors of a deviation estimated from n samples
        assert noise.real.std() == pytest.approx(std, abs=tolerance)
        assert noise.imag.std() == pytest.approx(std, abs=tolerance)
        for mean in (noise.real.mean(), noise.imag.mean(), (noise.real * noise.imag).mean() / std):
            assert abs(mean) < 5 * std / math.sqrt(n)
        # white: neighbours do not know of each other
        assert abs((noise[..., 1:] * noise[..., :-1].conj()).mean()) < 5 * 2 * std**2 / math.sqrt(n)


def test_the_seed_decides_the_noise():
    zero = torch.zeros(2, 8, 8, dtype=torch.complex64)
    assert torch.equal(add_noise(zero, 1.0, seeded(4)), add_noise(zero, 1.0, seeded(4)))
    assert not torch.equal(add_noise(zero, 1.0, seeded(4)), add_noise(zero, 1.0, seeded(5)))


def test_truncation_of_double_precision_stays_double():
    assert truncate(torch.ones(8, 8, dtype=torch.complex128), (4, 4)).dtype == torch.complex128
