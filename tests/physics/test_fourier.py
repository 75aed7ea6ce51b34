import numpy as np
import pytest
import torch

from mrilab.physics import SenseModel, centre_crop, centre_pad, fft1c, fft2c, ifft1c, ifft2c, mirror
from mrilab.physics.fourier import fourier_shift_phase
from mrilab.physics.view import narrow_view

SHAPES = [(8, 8), (7, 9), (6, 5), (1, 4), (15, 2)]


def complex_normal(*shape, generator, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
def test_transform_is_the_centred_dft_written_out(shape, generator):
    x = complex_normal(*shape, generator=generator)
    matrices = []
    for n in shape:
        k = np.arange(n) - n // 2
        matrices.append(np.exp(-2j * np.pi * np.outer(k, k) / n) / np.sqrt(n))
    expected = matrices[0] @ x.numpy() @ matrices[1].T
    np.testing.assert_allclose(fft2c(x).numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_transform_is_unitary(shape, generator):
    x = complex_normal(3, *shape, generator=generator)
    y = complex_normal(3, *shape, generator=generator)
    torch.testing.assert_close(ifft2c(fft2c(x)), x, atol=1e-13, rtol=0)
    torch.testing.assert_close(
        torch.vdot(fft2c(x).flatten(), y.flatten()), torch.vdot(x.flatten(), ifft2c(y).flatten())
    )
    assert torch.linalg.vector_norm(fft2c(x)) == pytest.approx(torch.linalg.vector_norm(x).item(), rel=1e-13)


@pytest.mark.parametrize("n", [8, 7])
def test_dc_lies_at_half(n):
    spectrum = fft2c(torch.ones(n, n, dtype=torch.complex128))
    assert spectrum[n // 2, n // 2].real == pytest.approx(n)
    assert spectrum.abs().sum() == pytest.approx(n)


def test_two_transforms_of_one_dimension_are_one_of_two(generator):
    x = complex_normal(6, 9, generator=generator)
    torch.testing.assert_close(fft1c(fft1c(x, -1), -2), fft2c(x))
    torch.testing.assert_close(ifft1c(fft1c(x, -1), -1), x)


@pytest.mark.parametrize(("large", "small"), [((8, 8), (4, 6)), ((9, 7), (4, 3)), ((9, 8), (5, 8)), ((8, 9), (3, 4))])
def test_crop_keeps_the_centre_and_pad_is_its_adjoint(large, small, generator):
    x, y = complex_normal(*large, generator=generator), complex_normal(*small, generator=generator)
    assert centre_crop(x, small)[small[0] // 2, small[1] // 2] == x[large[0] // 2, large[1] // 2]
    left = torch.vdot(centre_crop(x, small).flatten(), y.flatten())
    right = torch.vdot(x.flatten(), centre_pad(y, large).flatten())
    torch.testing.assert_close(left, right)


def test_cropping_kspace_brightens_the_image_by_the_root_of_the_ratio():
    image = ifft2c(centre_crop(fft2c(torch.ones(12, 16, dtype=torch.complex128)), (6, 4)))
    torch.testing.assert_close(image.real, torch.full((6, 4), (12 * 16 / (6 * 4)) ** 0.5, dtype=torch.float64))


@pytest.mark.parametrize("n", [6, 7, 128, 233])
def test_ramps_replace_the_shifts(n, generator):
    x = complex_normal(n, generator=generator)
    ramp = fourier_shift_phase(n)
    folded = torch.fft.fft(x * ramp, norm="ortho") * ramp * ramp[n // 2].conj()
    torch.testing.assert_close(folded, fft1c(x, -1), atol=1e-12, rtol=0)


@pytest.mark.parametrize("dims", [(), (-2,), (-1,), (-2, -1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_mirrored_scans_are_scans_of_the_mirrored_object(shape, dims, generator):
    x, maps = complex_normal(*shape, generator=generator), complex_normal(3, *shape, generator=generator)
    mask = torch.rand(1, shape[1], generator=generator) < 0.5
    torch.testing.assert_close(fft2c(mirror(x, dims)), mirror(fft2c(x), dims))
    torch.testing.assert_close(mirror(mirror(x, dims), dims), x)
    model = SenseModel(mirror(maps, dims), mirror(mask, dims))
    expected = mirror(SenseModel(maps, mask).forward(x), dims)
    torch.testing.assert_close(model.forward(mirror(x, dims)), expected)


def test_a_narrower_view_is_the_central_part_of_the_image_at_its_resolution():
    """Of a band-limited object, sampled by its Fourier series, the part is known exactly."""
    generator = torch.Generator().manual_seed(3)
    wide = torch.zeros(24, 30, dtype=torch.complex128)
    wide[9:16, 11:20] = torch.randn(7, 9, dtype=torch.complex128, generator=generator)  # (rows, columns) around DC
    part = ifft2c(narrow_view(wide, (2 / 3, 1 / 2)))
    assert part.shape == (16, 15)
    y = (torch.arange(16, dtype=torch.float64) - 8) / 24  # pixels of 1 / 24 and 1 / 30 of the whole view
    x = (torch.arange(15, dtype=torch.float64) - 7) / 30
    waves_y = torch.exp(2j * torch.pi * y[:, None] * (torch.arange(24) - 12))
    waves_x = torch.exp(2j * torch.pi * x[:, None] * (torch.arange(30) - 15))
    torch.testing.assert_close(part, waves_y @ wide @ waves_x.T / (24 * 30) ** 0.5)


def test_a_view_of_everything_changes_nothing():
    kspace = torch.randn(2, 9, 12, dtype=torch.complex128)
    torch.testing.assert_close(narrow_view(kspace, (1.0, 1.0)), kspace)
