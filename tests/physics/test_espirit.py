import numpy as np
import pytest
import torch
from sigpy.mri import app as sigpy_app

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data import read_scan
from mrilab.errors import UserError
from mrilab.physics import espirit, rss


def disc(n):
    axis = (torch.arange(n) - n // 2) / n
    return ((axis[:, None] ** 2 + axis[None, :] ** 2) < 0.4**2).to(torch.complex64)


def simulated(shape, coils=8, noise_std=0.0, seed=3):
    array = random_array(coils, torch.Generator().manual_seed(seed))
    fine = (2 * shape[0], 2 * shape[1])
    image = torch.nn.functional.interpolate(disc(256).real[None, None], fine)[0, 0].to(torch.complex64)
    maps = array.maps(fine)
    generator = torch.Generator().manual_seed(seed)
    return simulate_scan(image, maps, shape, noise_std, generator), array.maps(shape)


def distance(maps, other):
    """Norm over coils of the difference, after the phase that is free at every pixel."""
    phase = torch.sgn((maps.conj() * other).sum(0))
    return (maps * phase - other).abs().square().sum(0).sqrt()


def sigpy_maps(kspace, **options):
    options = dict(calib_width=24, thresh=0.02, kernel_width=6, crop=0, max_iter=200, show_pbar=False) | options
    scaled = (kspace / kspace.abs().max()).numpy()
    return torch.from_numpy(np.asarray(sigpy_app.EspiritCalib(scaled, **options).run()))


@pytest.mark.parametrize("shape", [(64, 80), (65, 63)])
def test_maps_agree_with_sigpy_on_the_object(shape):
    kspace, _ = simulated(shape, noise_std=0.002)
    image = rss(kspace)
    on_object = image > 0.3 * image.max()
    assert distance(espirit(kspace), sigpy_maps(kspace))[on_object].max() < 1e-3


@pytest.mark.parametrize("name", ["brain-16ch.h5", "phantom-16ch.h5"])
def test_maps_agree_with_sigpy_on_real_scans(real_scans, name):
    kspace = read_scan(real_scans / name).kspace[0]
    image = rss(kspace)
    on_object = image > 0.1 * image.max()
    assert distance(espirit(kspace), sigpy_maps(kspace))[on_object].max() < 1e-3


def test_true_maps_are_found_where_there_is_signal():
    kspace, truth = simulated((96, 96))
    image = rss(kspace)
    inside = image > 0.5 * image.max()
    error = distance(espirit(kspace), truth)[inside]
    # what is left is the calibration region's low resolution (24 of 96 lines)
    assert error.square().mean().sqrt() < 0.01


def test_maps_have_unit_norm_everywhere_and_crop_cuts_the_background():
    kspace, _ = simulated((64, 64), noise_std=0.002)
    torch.testing.assert_close(espirit(kspace).abs().square().sum(0), torch.ones(64, 64), atol=1e-5, rtol=0)
    cropped = espirit(kspace, crop=0.95).abs().square().sum(0)
    image = rss(kspace)
    assert (cropped[image > 0.5 * image.max()] > 0.99).all()
    assert (cropped[image < 0.02 * image.max()] == 0).float().mean() > 0.5


def test_scale_does_not_matter():
    kspace, _ = simulated((64, 64), noise_std=0.002)
    image = rss(kspace)
    difference = (espirit(kspace * 1e-6) - espirit(kspace)).abs()
    assert difference[:, image > 0.1 * image.max()].max() < 1e-5
    # in air the eigenvector is a matter of rounding
    assert difference.max() < 1e-3


def test_only_the_calibration_region_is_read():
    kspace, _ = simulated((64, 64))
    spoiled = kspace.clone()
    spoiled[:, :20] = torch.nan
    spoiled[:, :, 44:] = 1e3
    assert torch.equal(espirit(spoiled), espirit(kspace))


def test_a_region_too_small_for_the_kernel_is_refused():
    kspace, _ = simulated((64, 64))
    with pytest.raises(UserError, match="twice the kernel of 6"):
        espirit(kspace, calibration=10)
    with pytest.raises(UserError, match="all zero"):
        espirit(torch.zeros(4, 64, 64, dtype=torch.complex64))
