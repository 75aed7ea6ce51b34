"""Operators and classical reconstructions on the device against the CPU."""

import pytest
import torch

from benchmarks.problem import line_mask, phantom_scan, point_mask
from mrilab.physics import (
    SenseModel,
    cg_sense,
    complex_noise,
    equispaced_mask,
    estimate_maps,
    fft2c,
    ifft2c,
    l1_wavelet,
    low_resolution_maps,
    mvue,
    quantile_scale,
    rss,
)
from mrilab.physics.wavelet import Wavelet2d

pytestmark = pytest.mark.gpu(on_cpu=True)
SIDE, COILS = 64, 8
MASKS = {"columns": line_mask(SIDE), "rows": equispaced_mask((SIDE, SIDE), 4, "horizontal"), "points": point_mask(SIDE)}
# Rounding of one pass through an operator: a few hundred units in the last place of float64 and float32.
LINEAR = {"float64": 1e-13, "float32": 1e-5}
# Rounding of tens of passes.
ITERATED = {"float64": 1e-11, "float32": 1e-4}


@pytest.fixture(scope="module")
def scan():
    """K-space (coil, H, W) and its true maps, in double precision."""
    kspace, maps = phantom_scan(SIDE, COILS)
    return kspace.to(torch.complex128), maps.to(torch.complex128)


def image(batch=()):
    return complex_noise((*batch, SIDE, SIDE), torch.Generator().manual_seed(1), torch.float64)


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (31, 37)])
@pytest.mark.parametrize("transform", [fft2c, ifft2c])
def test_fourier(transform, shape, compare):
    x = complex_noise((3, *shape), torch.Generator().manual_seed(0), torch.float64)
    compare(f"{transform.__name__}, {shape[0]} x {shape[1]}", lambda place: transform(place(x)), **LINEAR)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("batch", [1, 3])
def test_sense_model(kind, batch, compare, scan):
    x, y = image((batch,)), scan[0].expand(batch, -1, -1, -1)

    def model(place):
        return SenseModel(place(scan[1]), MASKS[kind])  # the mask comes from the CPU, as in a reconstruction

    name = f"{kind}, batch {batch}"
    compare(f"A x, {name}", lambda place: model(place).forward(place(x)), **LINEAR)
    compare(f"A^H y, {name}", lambda place: model(place).adjoint(place(y)), **LINEAR)
    compare(f"A^H A x, {name}", lambda place: model(place).normal(place(x)), **LINEAR)
    # with gradients the model takes another way on the CPU
    compare(f"A^H A x with gradients, {name}", lambda place: model(place).normal(place(x).requires_grad_()), **LINEAR)


def test_images_of_coils(compare, scan):
    compare("RSS", lambda place: rss(place(scan[0])), **LINEAR)
    compare("MVUE", lambda place: mvue(place(scan[0]), place(scan[1])), **LINEAR)
    compare("0.99 quantile", lambda place: quantile_scale(place(image((2,)))), **LINEAR)


def test_coil_maps(compare, scan):
    """On the object alone: outside it the eigenvector is that of noise, and any of several is right."""
    magnitude = rss(scan[0])
    on_object = (magnitude > 0.1 * magnitude.max()).double()
    everything = torch.ones(1, 1, dtype=torch.bool)

    def espirit_maps(place):
        maps, source = estimate_maps(place(scan[0]), everything)
        assert source == "acs 24x24"
        return maps * place(on_object)

    # ESPIRiT works in complex64 whatever it gets, and a map's error is rounding over the gap between eigenvalues.
    compare("ESPIRiT", espirit_maps, float64=1e-3, float32=1e-3)
    compare(
        "low-resolution maps",
        lambda place: low_resolution_maps(place(scan[0]), (24, 24)) * place(on_object),
        # the window is drawn in float32, and the phase of a principal component is an iterated thing
        **ITERATED,
    )


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db4"])
def test_wavelet(wavelet, compare):
    transform, x = Wavelet2d(wavelet, 3), image((2,))
    threshold = torch.full((2,), 0.3, dtype=torch.float64)

    def coefficients(place):
        bands = transform.forward(place(x).real[:, None])
        return torch.cat([band.flatten() for band in bands])

    def there_and_back(place):
        return transform.adjoint(transform.forward(place(x).real[:, None]), (SIDE, SIDE))

    compare(f"wavelet {wavelet}", coefficients, **LINEAR)
    compare(f"wavelet {wavelet}, there and back", there_and_back, **LINEAR)
    compare(
        f"wavelet {wavelet}, threshold",
        lambda place: transform.soft_threshold(place(x), place(threshold), (3, 5)),
        **LINEAR,
    )


@pytest.mark.parametrize("kind", MASKS)
def test_classical_reconstructions(kind, compare, scan):
    y = scan[0] * MASKS[kind]

    def model(place):
        return SenseModel(place(scan[1]), MASKS[kind])

    compare(
        f"CG-SENSE, {kind}", lambda place: cg_sense(place(y), model(place), 0, weight=1e-2, iterations=12), **ITERATED
    )
    compare(
        f"L1-wavelet, {kind}",
        lambda place: l1_wavelet(place(y), model(place), iterations=20, tolerance=0),
        **ITERATED,
    )
