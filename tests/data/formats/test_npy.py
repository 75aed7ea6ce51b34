"""Raw data as NumPy arrays."""

import numpy as np
import pytest
import torch

from mrilab.data.formats import read_any
from mrilab.data.formats.npy import write_numpy
from mrilab.errors import UserError

SHAPE = (2, 3, 12, 10)


def random(shape, seed=1):
    generator = np.random.default_rng(seed)
    return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(np.complex64)


def save(folder, array):
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


@pytest.mark.parametrize("n", [0, 1, 2])  # axes that lack
def test_axes_that_lack_have_the_length_one(tmp_path, n):
    array = random(SHAPE[n:])
    raw = read_any(save(tmp_path, array.astype(np.complex128)))[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), array.reshape((1,) * n + SHAPE[n:]))
    assert raw.kspace.dtype == torch.complex64


@pytest.mark.parametrize(
    ("axes", "stored"),
    [
        ("coils,slices,readout,phase", lambda k: k.transpose(1, 0, 2, 3)),
        ("phase, readout, slices, coils", lambda k: k.transpose(3, 2, 0, 1)),
        ("readout,phase,coils", lambda k: k[0].transpose(1, 2, 0)),
        ("slices,phase,readout", lambda k: k[:, 0].transpose(0, 2, 1)),
    ],
)
def test_named_axes_are_put_in_order(tmp_path, axes, stored):
    kspace = random(SHAPE)
    raw = read_any(save(tmp_path, stored(kspace)), axes=axes)[1]
    expected = kspace[: raw.kspace.shape[0], : raw.kspace.shape[1]]
    assert raw.kspace.numel() == stored(kspace).size
    np.testing.assert_array_equal(raw.kspace.numpy(), expected)


@pytest.mark.parametrize("mask", [np.arange(10) % 2 == 0, np.eye(12, 10, dtype=bool), np.ones((12, 1), np.uint8)])
def test_an_archive_has_mask_and_noise(tmp_path, mask):
    kspace, noise = random(SHAPE), random((3, 50))
    np.savez(tmp_path / "a.npz", kspace=kspace, mask=mask, noise=noise)
    raw = read_any(tmp_path / "a.npz")[1]
    np.testing.assert_array_equal(raw.mask.numpy(), np.atleast_2d(mask) != 0)
    np.testing.assert_array_equal(raw.noise.numpy(), noise)
    write_numpy(tmp_path / "b.npz", raw.kspace, raw.mask, raw.noise)
    with np.load(tmp_path / "b.npz") as archive:
        np.testing.assert_array_equal(archive["kspace"], kspace)
        np.testing.assert_array_equal(archive["mask"], np.atleast_2d(mask) != 0)
        np.testing.assert_array_equal(archive["noise"], noise)


@pytest.mark.parametrize(
    ("array", "axes", "reason"),
    [
        (np.zeros(SHAPE), None, "float64; k-space must be complex"),
        (random((2, 2, 3, 12, 10)), None, "has 5 axes"),
        (random(SHAPE), "coils,readout,phase", "names 3 axes, but the array .* has 4"),
        (random(SHAPE), "slices,coils,x,y", "must name slices, coils, readout, phase"),
        (random(SHAPE), "slices,slices,readout,phase", "once each"),
        (random((2, 3, 12, 4)), None, "8 points a side"),
        (np.full(SHAPE, np.nan + 0j), None, "NaN or infinite"),
        (np.full(SHAPE, 1e300 + 0j), None, "NaN or infinite"),
        (np.zeros(SHAPE, complex), None, "all zero in slice 0"),
    ],
)
def test_what_cannot_be_k_space_is_a_sentence(tmp_path, array, axes, reason):
    with pytest.raises(UserError, match=reason):
        read_any(save(tmp_path, array), axes=axes)


def test_pickles_and_damage_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(UserError, match="cannot read .*a.npy"):
        read_any(tmp_path / "a.npy")
    whole = save(tmp_path, random(SHAPE)).read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot read .*a.npy"):
        read_any(tmp_path / "a.npy")
    np.savez(tmp_path / "b.npz", k=random(SHAPE))
    with pytest.raises(UserError, match=r"no array `kspace` \(it holds k\)"):
        read_any(tmp_path / "b.npz")
