"""The measuring protocol, against its steps written out, and the two small things that it is made of."""

import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.errors import UserError
from mrilab.physics import (
    Acquisition,
    SenseModel,
    acquire,
    centre_crop,
    complex_noise,
    equispaced_mask,
    estimate_maps,
    full_reference,
    ifft2c,
    make_mask,
    mvue,
    quantile_scale,
)

SHAPE = (64, 60)
MASK = equispaced_mask(SHAPE, 4, acs=10)


@pytest.fixture(scope="module")
def full():
    """Fully sampled k-space of ellipses (coil, H, W), five coils, in raw scanner units."""
    generator = torch.Generator().manual_seed(3)
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    return 1e-6 * simulate_scan(
        random_ellipses(8, generator).image(fine), random_array(5, generator).maps(fine), SHAPE, 0.01
    )


def test_an_acquisition_is_the_steps_written_out(full):
    scan, source = acquire(full, MASK)
    maps, written_out = estimate_maps(full * MASK, MASK)
    assert source == written_out == "acs 24x10"
    assert torch.equal(scan.kspace, full * MASK) and torch.equal(scan.coil_maps, maps)
    assert scan.mask is MASK and scan.reference is None and scan.acs is None
    assert torch.equal(scan.model.adjoint(scan.kspace), SenseModel(maps, MASK).adjoint(full * MASK))


@pytest.mark.parametrize("kind", ["equispaced", "random", "poisson"])
def test_what_the_mask_leaves_out_is_not_looked_at(kind, full):
    mask = make_mask(kind, SHAPE, 3, generator=torch.Generator().manual_seed(1), acs=10)
    spoilt = full + (~mask) * 1e-3
    assert all(torch.equal(a, b) for a, b in zip(acquire(spoilt, mask)[0][:3], acquire(full, mask)[0][:3], strict=True))


def test_maps_come_from_a_prescan_where_there_is_one(full):
    prescan = centre_crop(full, (24, 24))
    scan, source = acquire(full, MASK, prescan)
    assert source == "prescan 24x24"
    assert torch.equal(scan.coil_maps, estimate_maps(full * MASK, MASK, prescan)[0])
    assert torch.equal(scan.kspace, full * MASK)
    with pytest.raises(UserError, match="the prescan has 2 coils, the scan 5"):
        acquire(full, MASK, prescan[:2])


def test_a_mask_without_the_centre_is_refused(full):
    with pytest.raises(UserError, match="the centre of k-space is not sampled"):
        acquire(full, torch.arange(SHAPE[1])[None] < 10)


def test_the_reference_is_the_mvue_with_maps_from_all_lines(full):
    everything = torch.ones(1, 1, dtype=torch.bool)
    assert torch.equal(full_reference(full), mvue(full, estimate_maps(full, everything)[0]))
    acquired = torch.ones(1, SHAPE[1], dtype=torch.bool)
    acquired[:, 34:] = False  # partial Fourier: eight lines around the centre are left
    partial = full * acquired
    assert torch.equal(full_reference(partial, acquired), mvue(partial, estimate_maps(partial, acquired)[0]))


def test_the_reference_does_not_warn_of_a_scan_too_small_for_espirit(full, recwarn):
    full_reference(centre_crop(full, (7, 60)))
    assert not recwarn.list
    with pytest.warns(UserWarning, match="instead of ESPIRiT"):
        acquire(centre_crop(full, (7, 60)), MASK)


def test_the_scale_is_the_quantile_of_the_zero_filled_image_and_divides_all_that_has_a_unit(full):
    scan = acquire(full, MASK)[0]._replace(reference=full_reference(full))
    assert torch.equal(scan.scale(), quantile_scale(scan.model.adjoint(scan.kspace)))
    scaled = scan.over(scan.scale())
    assert torch.equal(scaled.kspace, scan.kspace / scan.scale())
    assert torch.equal(scaled.reference, scan.reference / scan.scale())
    assert scaled.coil_maps is scan.coil_maps and scaled.mask is scan.mask
    torch.testing.assert_close(scaled.scale(), torch.ones(1, 1))
    assert scan._replace(reference=None).over(scan.scale()).reference is None


def test_a_target_is_the_reference_and_there_has_to_be_one(full):
    scan, _ = acquire(full, MASK)
    with pytest.raises(ValueError, match="has no reference"):
        scan.target  # noqa: B018
    assert torch.equal(scan._replace(reference=full[0]).target, full[0])


def test_one_scan_is_a_batch_of_one(full):
    scan, _ = acquire(full, MASK)
    batch = scan.batch()
    assert batch.kspace.shape == (1, 5, *SHAPE) and batch.mask.shape == (1, 1, SHAPE[1])
    assert batch.coil_maps.shape == (1, 5, *SHAPE) and batch.reference is None and batch.acs is None
    assert torch.equal(scan._replace(reference=full[0], acs=MASK).batch().target[0], full[0])


def test_a_batch_is_its_scans(full):
    masks = [MASK, equispaced_mask(SHAPE, 6, acs=10)]
    reference = ifft2c(full).sum(0)
    scans = [acquire(n * full, mask)[0]._replace(reference=n * reference, acs=mask) for n, mask in enumerate(masks, 1)]
    batch = Acquisition(*(torch.stack(tensors) for tensors in zip(*scans, strict=True)))
    scale = batch.scale()
    assert scale.shape == (2, 1, 1)
    torch.testing.assert_close(scale, torch.stack([scan.scale() for scan in scans]))
    for n, scan in enumerate(scans):
        torch.testing.assert_close(batch.over(scale).kspace[n], scan.over(scan.scale()).kspace)
        torch.testing.assert_close(batch.over(scale).reference[n], scan.over(scan.scale()).reference)


@pytest.mark.parametrize("dtype, complex_dtype", [(torch.float32, torch.complex64), (torch.float64, torch.complex128)])
def test_noise_has_variance_1_in_each_component(dtype, complex_dtype, generator):
    noise = complex_noise((400, 500), generator, dtype)
    assert noise.shape == (400, 500) and noise.dtype == complex_dtype
    for component in (noise.real, noise.imag):  # 200,000 draws: the standard error of the variance is 0.0032
        assert component.mean().item() == pytest.approx(0, abs=0.01)
        assert component.var().item() == pytest.approx(1, abs=0.015)
    assert torch.corrcoef(torch.stack([noise.real.flatten(), noise.imag.flatten()]))[0, 1].abs() < 0.01


def test_noise_is_drawn_from_its_generator():
    first, again, other = (complex_noise((3, 4), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    written_out = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.view_as_real(first), written_out)


def test_the_quantile_is_that_of_each_image(generator):
    images = complex_noise((2, 3, 20, 25), generator) * torch.tensor([1.0, 50.0])[:, None, None, None]
    scale = quantile_scale(images)
    assert scale.shape == (2, 3, 1, 1)
    assert scale[1, 2].item() == pytest.approx(torch.quantile(images[1, 2].abs(), 0.99).item())
    assert quantile_scale(images[0, 0], 0.5).item() == pytest.approx(images[0, 0].abs().quantile(0.5).item())
    torch.testing.assert_close(quantile_scale(images / scale), torch.ones(2, 3, 1, 1))
