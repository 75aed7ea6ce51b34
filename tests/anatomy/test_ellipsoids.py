import math

import pytest
import torch

from mrilab.anatomy.acquire import truncate
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import (
    Ellipses,
    SinusoidalCoils,
    fit_coils,
    random_ellipses,
    shepp_logan,
)
from mrilab.physics.fourier import fft2c, ifft2c


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def single(amplitude=1.0, y=0.0, x=0.0, a=0.3, b=0.2, angle=0.0):
    return Ellipses(*(torch.tensor([v], dtype=torch.float64) for v in (amplitude, y, x, a, b, angle)))


def sampled_kspace(phantom, shape, refine):
    """Numeric DFT of a finely drawn phantom, its centre kept: the brute-force answer."""
    fine = (shape[0] * refine, shape[1] * refine)
    return truncate(fft2c(phantom.image(fine, supersampling=2)), shape)


@pytest.mark.parametrize("shape", [(24, 32), (25, 23)])
@pytest.mark.parametrize("phantom", [shepp_logan(), random_ellipses(6, seeded(2))], ids=["toft", "random"])
def test_formula_agrees_with_the_dft_of_a_fine_drawing(shape, phantom):
    exact = phantom.kspace(shape)
    coarse, fine = (sampled_kspace(phantom, shape, refine) for refine in (12, 24))
    error = [(k - exact).norm() / exact.norm() for k in (coarse, fine)]
    assert error[1] < 4e-3
    assert error[1] < 0.7 * error[0]  # and it is the drawing that converges


def test_dc_is_the_area_and_parseval_holds():
    phantom = single(amplitude=1.7, y=0.05, x=-0.1, a=0.21, b=0.13, angle=0.4)
    area = 1.7 * math.pi * 0.21 * 0.13
    kspace = phantom.kspace((64, 64))
    assert kspace[32, 32].item() == pytest.approx(64 * area, rel=1e-6)
    # sum over all integer frequencies = integral over the field of view; the tail beyond K falls like 1 / K
    energies = [phantom.kspace((n, n)).div(n).abs().square().sum().item() for n in (256, 512)]
    extrapolated = 2 * energies[1] - energies[0]
    assert extrapolated == pytest.approx(1.7 * area, rel=1e-3)


def test_shift_turns_the_phase_and_rotation_turns_the_spectrum():
    ky, kx = torch.tensor([[2.5]]), torch.tensor([[-3.25]])
    centred, shifted = single(), single(y=0.11, x=-0.07)
    turn = torch.tensor(-2 * math.pi * (2.5 * 0.11 + 3.25 * 0.07), dtype=torch.float64)
    torch.testing.assert_close(
        shifted.spectrum(ky, kx), centred.spectrum(ky, kx) * torch.polar(torch.ones_like(turn), turn)
    )
    quarter = single(angle=math.pi / 2)  # swaps the axes
    torch.testing.assert_close(quarter.spectrum(ky, kx), single(a=0.2, b=0.3).spectrum(ky, kx))


def test_spectrum_of_a_disc_is_continuous_at_dc():
    disc = single(a=0.25, b=0.25)
    k = torch.tensor([[0.0, 1e-9, 1e-7, 1e-4]])
    torch.testing.assert_close(
        disc.spectrum(torch.zeros(1, 1), k).real, torch.full((1, 4), math.pi / 16, dtype=torch.float64)
    )


def test_truncated_reconstruction_rings_by_nine_percent():
    image = ifft2c(single(a=0.3, b=0.3).kspace((256, 256))).real
    overshoot = image.max().item() - 1
    assert 0.06 < overshoot < 0.14  # Gibbs: 0.0895 of the jump on a straight edge
    wide = ifft2c(single(a=0.3, b=0.3).kspace((128, 128))).real
    assert abs(wide.max().item() - 1 - overshoot) < 0.04  # resolution does not cure it
    assert image[128, 128].item() == pytest.approx(1, abs=0.02)


def test_image_averages_pixels_and_labels_number_them():
    phantom = shepp_logan()
    image, labels = phantom.image((128, 128), supersampling=4), phantom.labels((128, 128))
    assert image.dtype == torch.complex64 and labels.dtype == torch.int64
    assert set(labels.unique().tolist()) == set(range(11))
    # amplitudes add up: skull 1, brain 0.2, ventricles 0
    inner = image.real[labels == 3]
    assert inner.median().item() == pytest.approx(0, abs=1e-6)
    assert image.real[labels == 2].median().item() == pytest.approx(0.2, abs=1e-6)
    area = image.real.mean().item()  # of the field of view
    assert area == pytest.approx(phantom.spectrum(torch.zeros(1, 1), torch.zeros(1, 1)).real.item(), rel=2e-3)


def test_skull_points_the_right_way():
    # Toft's three small ellipses lie low in the picture, the large grey one high
    labels = shepp_logan().labels((128, 128))
    rows = torch.arange(128)[:, None].expand(128, 128)
    assert rows[labels == 8].float().mean() > 90 and rows[labels == 5].float().mean() < 60


@pytest.mark.parametrize("shape", [(24, 22), (23, 25)])
def test_multi_coil_kspace_agrees_with_the_dft_of_fine_coil_images(shape):
    coils, phantom = fit_coils(random_array(4, seeded())), random_ellipses(6, seeded(1))
    exact = coils.kspace(phantom, shape)
    assert exact.shape == (4, *shape) and exact.dtype == torch.complex64
    fine = (shape[0] * 20, shape[1] * 20)
    numeric = truncate(fft2c(phantom.image(fine, 2) * coils.sensitivities(fine)), shape)
    assert (exact - numeric).norm() / exact.norm() < 2e-3


def test_one_uniform_coil_gives_plain_kspace():
    constant = torch.zeros(1, 3, 3, dtype=torch.complex128)
    constant[0, 1, 1] = 1
    exact = SinusoidalCoils(constant).kspace(shepp_logan(), (32, 32))
    torch.testing.assert_close(exact[0], shepp_logan().kspace((32, 32)))


def test_plane_waves_fit_a_wire_array_to_a_percent():
    for seed in range(3):
        array = random_array(8, seeded(seed))
        truth, fitted = array.sensitivities((64, 64)), fit_coils(array).sensitivities((64, 64))
        y = torch.linspace(-0.5, 0.5, 65)[:64]
        disc = y[:, None] ** 2 + y[None] ** 2 < 0.43**2
        assert ((fitted - truth)[:, disc].norm() / truth[:, disc].norm()) < 0.01
        assert fitted.abs().max() < 20 * truth[:, disc].abs().max()


def test_random_ellipses_stay_inside_the_first_one():
    for seed in range(20):
        phantom = random_ellipses(12, seeded(seed))
        y = (torch.arange(200) - 100) / 200
        inside = phantom.inside(y[:, None], y[None])
        assert not (inside[1:].any(0) & ~inside[0]).any()
        assert inside[0].any()


def test_the_seed_decides():
    assert torch.equal(random_ellipses(5, seeded(1)).kspace((8, 8)), random_ellipses(5, seeded(1)).kspace((8, 8)))
