import numpy as np
import pytest
import pywt
import torch

from mrilab.errors import UserError
from mrilab.physics import Wavelet2d

WAVELETS = ["haar", "db2", "db4", "sym5", "coif1"]


@pytest.mark.parametrize("name", WAVELETS)
def test_coefficients_are_those_of_pywavelets(name, generator):
    x = torch.randn(2, 1, 48, 64, dtype=torch.float64, generator=generator)
    ours = Wavelet2d(name, levels=2).forward(x)
    for n in range(2):
        low, *details = pywt.wavedec2(x[n, 0].numpy(), name, mode="periodization", level=2)
        np.testing.assert_allclose(ours[0][n, 0].numpy(), low, atol=1e-12)
        for bands, (horizontal, vertical, diagonal) in zip(ours[1:], details, strict=True):
            # PyWavelets names details by the direction of the edge: high-pass along columns first
            expected = np.stack([vertical, horizontal, diagonal])
            np.testing.assert_allclose(bands[n].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("name", WAVELETS)
@pytest.mark.parametrize("shape", [(32, 32), (48, 64), (33, 45), (8, 4)])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_synthesis_is_inverse_and_adjoint(name, shape, levels, generator):
    transform = Wavelet2d(name, levels)
    x = torch.randn(3, 1, *shape, dtype=torch.float64, generator=generator)
    coefficients = transform.forward(x)
    # pywt tabulates some filters to 1e-11 only
    torch.testing.assert_close(transform.adjoint(coefficients, shape), x, atol=1e-10, rtol=0)
    other = [torch.randn(c.shape, dtype=c.dtype, generator=generator) for c in coefficients]
    left = sum((a * b).sum() for a, b in zip(coefficients, other, strict=True))
    right = (x * transform.adjoint(other, shape)).sum()
    torch.testing.assert_close(left, right, atol=1e-9, rtol=0)


def test_shrinkage_is_the_proximal_operator_for_complex_images(generator):
    transform = Wavelet2d("db2", levels=2)
    x = torch.randn(1, 32, 32, dtype=torch.complex128, generator=generator)
    limit = 0.4
    array, slices = pywt.coeffs_to_array(pywt.wavedec2(x[0].numpy(), "db2", mode="periodization", level=2))
    low = array[slices[0]].copy()
    magnitude = np.abs(array)
    array = array * np.maximum(magnitude - limit, 0) / magnitude
    array[slices[0]] = low
    coefficients = pywt.array_to_coeffs(array, slices, output_format="wavedec2")
    expected = pywt.waverec2(coefficients, "db2", mode="periodization")
    shrunk = transform.soft_threshold(x, torch.tensor([limit], dtype=torch.float64))[0]
    np.testing.assert_allclose(shrunk.numpy(), expected, atol=1e-12)


def test_zero_threshold_is_the_identity_for_any_shift(generator):
    x = torch.randn(2, 21, 26, dtype=torch.complex128, generator=generator)
    out = Wavelet2d("db2", levels=3).soft_threshold(x, torch.zeros(2, dtype=torch.float64), shift=(3, 5))
    torch.testing.assert_close(out, x, atol=1e-11, rtol=0)


def test_thresholds_belong_to_their_image(generator):
    transform = Wavelet2d("db2", levels=2)
    x = torch.randn(2, 16, 16, dtype=torch.complex128, generator=generator)
    limits = torch.tensor([0.1, 1.0], dtype=torch.float64)
    together = transform.soft_threshold(x, limits, shift=(1, 2))
    apart = [transform.soft_threshold(x[n : n + 1], limits[n : n + 1], shift=(1, 2))[0] for n in range(2)]
    torch.testing.assert_close(together, torch.stack(apart))


def test_unsuitable_wavelets_are_refused():
    with pytest.raises(UserError, match="not orthogonal"):
        Wavelet2d("bior2.2")
