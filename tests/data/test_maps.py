"""Coil maps of one's own, from a file or a tensor."""

import h5py
import numpy as np
import pytest
import torch

from mrilab.data.maps import own_maps
from mrilab.errors import UserError
from mrilab.physics import normalise_maps


@pytest.fixture
def maps(generator):
    """(slices, coil, H, W), normalised."""
    return normalise_maps(torch.randn(2, 3, 10, 12, dtype=torch.complex64, generator=generator))


def write_cfl(path, array):
    """As BART does: dimensions as text, then complex floats in Fortran order."""
    path.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, array.shape)) + " \n# Command\nphantom\n")
    path.write_bytes(np.asarray(array, dtype="<c8").tobytes(order="F"))


def test_every_format_holds_the_same_maps(maps, tmp_path):
    array = maps.numpy()
    np.save(tmp_path / "a.npy", array)
    np.save(tmp_path / "one.npy", array[1].astype(complex))
    for name in ("maps", "coil_maps"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file[name] = array
    write_cfl(tmp_path / "z.cfl", array.transpose(2, 3, 0, 1))
    last = np.moveaxis(array, 0, -1).transpose(1, 2, 0, 3)  # (slices, coil, H, W) -> (H, W, coil, slices)
    write_cfl(tmp_path / "slices.cfl", last.reshape(10, 12, 1, 3, *[1] * 9, 2))
    write_cfl(tmp_path / "one.cfl", array[1].transpose(1, 2, 0)[:, :, None])
    for name in ("a.npy", "maps.h5", "coil_maps.h5", "z.cfl", "z.hdr", "slices.cfl"):
        read = own_maps(tmp_path / name)
        torch.testing.assert_close(read.maps, maps)
        assert read.source == f"file {name}"
    for name in ("one.npy", "one.cfl"):
        torch.testing.assert_close(own_maps(tmp_path / name).maps, maps[1:])
    assert own_maps(maps).source == "given"


def test_maps_on_another_scale_are_normalised_with_a_note(maps):
    scaled = 3 * maps
    scaled[:, :, :2] = 0  # outside the object there may be none
    with pytest.warns(UserWarning, match="do not sum to 1, so the maps were normalised"):
        read = own_maps(scaled)
    torch.testing.assert_close(read.maps[:, :, 2:], maps[:, :, 2:])
    assert not read.maps[:, :, :2].any()
    own_maps(read.maps)  # no note now


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", np.ones((3, 10, 12)), "but .* has float64 .3, 10, 12."),
        ("a.npy", np.ones((10, 12), complex), "complex, .coil, H, W. or .slices, coil, H, W."),
        ("a.npy", np.full((3, 10, 12), np.nan + 0j), "not finite"),
        ("a.npy", np.full((3, 10, 12), 1e300 + 0j), "not finite"),
        ("a.npy", np.zeros((3, 10, 12), complex), "all coil maps are zero"),
        ("a.npy", b"nothing", "cannot read coil maps from"),
        ("a.h5", b"nothing", "cannot read coil maps from"),
        ("a.mat", b"nothing", "a file that ends in .npy, .h5"),
        ("a.cfl", b"12345678", "there is no file .*a.hdr"),
    ],
)
def test_what_is_no_map_is_one_sentence(name, content, message, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(UserError, match=message):
        own_maps(path)


@pytest.mark.parametrize(
    ("shape", "cut", "message"),
    [
        ((10, 12, 1, 3, 2), 0, "2 sets of maps"),
        ((10, 12, 1, 3), 8, "which is not what .*a.hdr says"),
        ((10, 12, 2, 3, *[1] * 9, 2), 0, "may exceed 1"),
        ((10, 12, 1, 3, 1, 4), 0, "may exceed 1"),
    ],
)
def test_arrays_of_bart_that_are_no_maps(shape, cut, message, tmp_path):
    write_cfl(tmp_path / "a.cfl", np.ones(shape))
    content = (tmp_path / "a.cfl").read_bytes()
    (tmp_path / "a.cfl").write_bytes(content[: len(content) - cut])
    with pytest.raises(UserError, match=message):
        own_maps(tmp_path / "a.cfl")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        own_maps(tmp_path / "a.npy")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"] = np.ones(3)
    with pytest.raises(UserError, match="no dataset maps or coil_maps"):
        own_maps(tmp_path / "a.h5")
