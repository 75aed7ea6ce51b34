import numpy as np
import pytest
import torch
from skimage import metrics as skimage_metrics

from mrilab.errors import UserError
from mrilab.evaluation import nmse, nrmse, psnr, psnr_volume, ssim, ssim_volume


@pytest.fixture
def images(generator):
    reference = torch.randn(40, 50, dtype=torch.complex64, generator=generator)
    reference[:, :20] *= 0.01
    return reference + 0.1 * torch.randn(40, 50, dtype=torch.complex64, generator=generator), reference


def test_psnr_and_errors_are_their_definitions(images):
    a, b = (image.abs().double().numpy() for image in images)
    mean_square = np.mean((a - b) ** 2)
    assert psnr(*images) == pytest.approx(10 * np.log10(b.max() ** 2 / mean_square), abs=1e-6)
    assert nmse(*images) == pytest.approx(np.sum((a - b) ** 2) / np.sum(b**2), abs=1e-6)
    assert nrmse(*images) == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(b), abs=1e-6)


def test_all_agree_with_scikit_image(images):
    a, b = (image.abs().double().numpy() for image in images)
    assert psnr(*images) == pytest.approx(skimage_metrics.peak_signal_noise_ratio(b, a, data_range=b.max()), abs=1e-6)
    assert ssim(*images) == pytest.approx(skimage_metrics.structural_similarity(b, a, data_range=b.max()), abs=1e-6)
    assert nrmse(*images) == pytest.approx(skimage_metrics.normalized_root_mse(b, a), abs=1e-6)


def test_the_volume_metrics_are_those_of_fastmri(images):
    """What its evaluate.py computes, written out: the range is the maximum of the volume, also for a dark slice."""
    volumes = [torch.stack((image, 0.2 * image, image.flip(0))) for image in images]
    a, b = (volume.abs().double().numpy() for volume in volumes)
    assert psnr_volume(*volumes) == pytest.approx(10 * np.log10(b.max() ** 2 / np.mean((a - b) ** 2)), abs=1e-6)
    assert psnr_volume(*volumes) == pytest.approx(
        skimage_metrics.peak_signal_noise_ratio(b, a, data_range=b.max()), abs=1e-6
    )
    total = sum(skimage_metrics.structural_similarity(b[n], a[n], data_range=b.max()) for n in range(3))
    assert ssim_volume(*volumes) == pytest.approx(total / 3, abs=1e-6)
    assert ssim_volume(*volumes) > np.mean([ssim(*pair) for pair in zip(*volumes, strict=True)]) + 0.01
    single = [volume[:1] for volume in volumes]
    assert psnr_volume(*single) == psnr(*images) and ssim_volume(*single) == ssim(*images)
    assert psnr_volume(volumes[1], volumes[1]) == float("inf")
    with pytest.raises(UserError, match="two volumes"):
        psnr_volume(*images)


def test_masked_means_that_dark_pixels_are_zero_in_both(images):
    x, reference = images
    dark = reference.abs() < 0.05 * reference.abs().max()
    assert 0.2 < dark.float().mean() < 0.6
    spoiled = torch.where(dark, torch.full_like(x, 5.0), x)
    for metric in (psnr, ssim, nmse, nrmse):
        assert metric(spoiled, reference, masked=True) == pytest.approx(metric(x, reference, masked=True))
        assert metric(spoiled, reference) != pytest.approx(metric(x, reference))
        zeroed = (torch.where(dark, 0, image) for image in images)
        assert metric(x, reference, masked=True) == pytest.approx(metric(*zeroed), abs=1e-9)


def test_raw_scanner_units_change_nothing(images):
    for metric in (psnr, ssim, nmse, nrmse):
        small = [image * 1e-6 for image in images]
        assert metric(*small) == pytest.approx(metric(*images), rel=1e-5)


def test_equal_images(images):
    _, reference = images
    assert psnr(reference, reference) == float("inf")
    assert ssim(reference, reference) == pytest.approx(1)
    assert nmse(reference, reference) == 0


def test_what_cannot_be_compared_is_refused(images):
    x, reference = images
    with pytest.raises(UserError, match="two images"):
        psnr(x[None], reference[None])
    with pytest.raises(UserError, match="not all zero"):
        psnr(x, torch.zeros_like(reference))
    with pytest.raises(UserError, match="finite"):
        ssim(x * torch.nan, reference)
    with pytest.raises(UserError, match="at least 7 x 7"):
        ssim(x[:5, :5], reference[:5, :5])
