"""SKM-TEA's layout, written with h5py as its documentation has it."""

import h5py
import numpy as np
import pytest

from mrilab.data.formats import read_any
from mrilab.data.formats.convert import convert
from mrilab.data.scans import read_scan
from mrilab.errors import UserError
from mrilab.physics import rss

X, KY, KZ, ECHOES, COILS = 5, 24, 16, 2, 3
AROUND = (4, 2)  # zeros around what was measured, on each side


@pytest.fixture
def scan(tmp_path):
    """A file and its hybrid k-space (x, ky, kz, echoes, coils), zero around an ellipse."""
    generator = np.random.default_rng(4)
    ky, kz = np.meshgrid(np.linspace(-1, 1, KY - 2 * AROUND[0]), np.linspace(-1, 1, KZ - 2 * AROUND[1]), indexing="ij")
    inside = np.pad(ky**2 + kz**2 <= 1.1, [(AROUND[0],) * 2, (AROUND[1],) * 2])
    kspace = generator.normal(size=(X, KY, KZ, ECHOES, COILS, 2)).astype(np.float32) @ np.array([1, 1j])
    kspace = (kspace * inside[:, :, None, None]).astype(np.complex64)
    mask = np.zeros((KY - 2 * AROUND[0], KZ - 2 * AROUND[1]), np.uint8)
    mask[::2, ::3] = 1
    mask[6:10, 4:8] = 1
    with h5py.File(tmp_path / "MTR_001.h5", "w") as file:
        file["kspace"] = kspace
        file["maps"] = np.ones((X, KY, KZ, COILS, 1), np.complex64)
        file["target"] = np.ones((X, KY, KZ, ECHOES, 1), np.complex64)
        file["masks/poisson_6.0x"] = mask
    return tmp_path / "MTR_001.h5", kspace, np.pad(mask, [(AROUND[0],) * 2, (AROUND[1],) * 2]) != 0


@pytest.mark.parametrize("echo", [0, 1])
def test_each_x_is_a_slice_of_ky_and_kz(scan, echo):
    path, kspace, _ = scan
    with pytest.warns(UserWarning, match="counts as fully sampled"):
        name, raw = read_any(path, echo=echo)
    assert name == "SKM-TEA" and raw.kspace.shape == (X, COILS, KY, KZ)
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace[:, :, :, echo].transpose(0, 3, 1, 2))


def test_without_an_echo_the_first_is_read_with_a_note(scan):
    path, kspace, _ = scan
    with pytest.warns(UserWarning, match="2 echoes; the first is read, --echo"):
        raw = read_any(path, slices="1:3", mask="poisson_6.0x")[1]
    kspace = kspace * raw.mask.numpy()[:, :, None, None]
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace[1:3, :, :, 0].transpose(0, 3, 1, 2))


def test_what_is_converted_counts_as_fully_sampled_in_spite_of_its_corners(scan, tmp_path):
    path, kspace, _ = scan
    with pytest.warns(UserWarning, match="fully sampled"):
        convert(path, tmp_path / "b.h5", echo=1)
    made = read_scan(tmp_path / "b.h5")
    assert made.mask is None and int(made.acquired.sum()) == KZ - 2 * AROUND[1]
    axes = (1, 2)
    coils = np.fft.ifft2(np.fft.ifftshift(kspace[:, :, :, 1], axes), axes=axes, norm="ortho")
    expected = np.sqrt((abs(np.fft.fftshift(coils, axes)) ** 2).sum(-1))
    for x in range(X):
        np.testing.assert_allclose(rss(made.kspace[x]).numpy(), expected[x], rtol=1e-4)


def test_a_mask_of_the_benchmark_undersamples(scan, tmp_path):
    path, kspace, mask = scan
    raw = read_any(path, echo=0, mask="poisson_6.0x")[1]
    inside = (kspace[:, :, :, 0] != 0).any((0, 3))
    assert (mask & ~inside).any()  # the mask asks for corners that were never measured
    np.testing.assert_array_equal(raw.mask.numpy(), mask & inside)
    expected = (kspace[:, :, :, 0] * mask[:, :, None]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(raw.kspace.numpy(), expected)
    convert(path, tmp_path / "b.h5", echo=0, mask="poisson_6.0x")
    np.testing.assert_array_equal(read_scan(tmp_path / "b.h5").mask.numpy(), mask & inside)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"echo": 2}, "no echo 2; it has 2"),
        ({"echo": 0, "mask": "poisson_5.0x"}, "no mask poisson_5.0x; it has poisson_6.0x"),
        ({"echo": 0, "slices": "3:9"}, "FIRST < END <= 5"),
        ({"echo": 0, "slices": "all"}, "FIRST:END"),
        ({"encoding": 0}, "--encoding is for ISMRMRD, but .* is SKM-TEA"),
    ],
)
def test_what_is_not_there_is_a_sentence(scan, options, reason):
    with pytest.raises(UserError, match=reason):
        read_any(scan[0], **options)
