import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.errors import UserError
from mrilab.physics import (
    SenseModel,
    centre_crop,
    equispaced_mask,
    espirit,
    estimate_maps,
    fft2c,
    ifft2c,
    low_resolution_maps,
    mvue,
    normalise_maps,
    poisson_mask,
    rss,
)

SHAPE = (128, 128)


@pytest.fixture(scope="module")
def scan():
    axis = torch.arange(256) / 256 - 0.5
    disc = ((axis[:, None] ** 2 + axis[None, :] ** 2) < 0.4**2).to(torch.complex64)
    array = random_array(6, torch.Generator().manual_seed(1))
    return simulate_scan(disc, array.maps((256, 256)), SHAPE, 0.002, torch.Generator().manual_seed(2))


def test_mvue_is_the_least_squares_image(generator):
    maps = torch.randn(4, 6, 5, dtype=torch.complex128, generator=generator)
    kspace = torch.randn(4, 6, 5, dtype=torch.complex128, generator=generator)
    full = torch.ones(1, 5, dtype=torch.bool)
    unit = normalise_maps(maps)
    torch.testing.assert_close(mvue(kspace, unit), SenseModel(unit, full).adjoint(kspace))
    # for maps of any norm: the noise variance is that of one coil, and sum|S|^2 x / sqrt(sum|S|^2) comes out
    x = torch.randn(6, 5, dtype=torch.complex128, generator=generator)
    torch.testing.assert_close(mvue(fft2c(maps * x), maps), x * maps.abs().square().sum(0).sqrt())


def test_rss_is_biased_by_noise_and_mvue_is_not(generator):
    coils, noise_std = 8, 0.1
    kspace = noise_std * torch.randn(coils, 200, 200, 2, dtype=torch.float64, generator=generator)
    kspace = torch.view_as_complex(kspace)
    maps = torch.full((coils, 200, 200), coils**-0.5, dtype=torch.complex128)
    # 2 coils real components: the mean of chi with 16 degrees of freedom is close to sqrt(16 - 1/2)
    assert rss(kspace).mean().item() == pytest.approx(noise_std * 15.5**0.5, rel=0.01)
    assert mvue(kspace, maps).mean().abs() < 4 * noise_std / 200
    assert mvue(kspace, maps).real.std().item() == pytest.approx(noise_std, rel=0.02)


def test_maps_come_from_sampled_lines_only(scan):
    mask = equispaced_mask(SHAPE, 4)
    maps, maps_from = estimate_maps(scan * mask, mask)
    assert maps_from == "acs 24x10"
    spoiled = torch.where(mask, scan, torch.full_like(scan, 1e3))
    torch.testing.assert_close(estimate_maps(spoiled, mask)[0], maps)
    torch.testing.assert_close(maps, espirit(scan, calibration=(24, 10), kernel=5))


def test_horizontal_and_point_masks_find_their_own_region(scan):
    horizontal = equispaced_mask(SHAPE, 4, "horizontal")
    assert estimate_maps(scan * horizontal, horizontal)[1] == "acs 10x24"
    points = poisson_mask(SHAPE, 8, generator=torch.Generator().manual_seed(0))
    assert estimate_maps(scan * points, points)[1] == "acs 16x16"


def test_few_lines_fall_back_with_a_warning(scan):
    mask = equispaced_mask(SHAPE, 8)
    with pytest.warns(UserWarning, match="only 5 fully sampled lines"):
        maps, maps_from = estimate_maps(scan * mask, mask)
    assert maps_from == "low-resolution acs 24x5"
    torch.testing.assert_close(maps.abs().square().sum(0), torch.ones(SHAPE), atol=1e-5, rtol=0)


def test_a_prescan_replaces_the_calibration_lines(scan):
    mask = equispaced_mask(SHAPE, 12)
    maps, maps_from = estimate_maps(scan * mask, mask, prescan=centre_crop(scan, (24, 24)))
    assert maps_from == "prescan 24x24"
    torch.testing.assert_close(maps, espirit(scan))


# five lines resolve less; under a Hann window they would leave 0.12
@pytest.mark.parametrize(("calibration", "left"), [((24, 24), 0.03), ((24, 5), 0.07), ((5, 24), 0.07)])
def test_low_resolution_maps_explain_the_coil_images(scan, calibration, left):
    maps = low_resolution_maps(scan, calibration)
    image = mvue(scan, maps)
    inside = rss(scan) > 0.5 * rss(scan).max()
    residual = (maps * image - ifft2c(scan))[:, inside]
    assert residual.norm() < left * ifft2c(scan)[:, inside].norm()


def test_hopeless_calibration_is_refused(scan):
    with pytest.raises(UserError, match="centre of k-space is not sampled"):
        estimate_maps(scan, torch.zeros(1, 128, dtype=torch.bool))
    with pytest.raises(UserError, match="all zero"):
        estimate_maps(torch.zeros_like(scan), equispaced_mask(SHAPE, 4))
    with pytest.raises(UserError, match="the prescan has 3 coils"):
        estimate_maps(scan, equispaced_mask(SHAPE, 4), prescan=scan[:3])
