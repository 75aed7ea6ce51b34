"""Masks as files."""

import h5py
import numpy as np
import pytest
import torch

from mrilab.data.masks import is_mask_file, positions, read_mask, write_mask
from mrilab.errors import UserError

SHAPE = (12, 10)
MASKS = {
    unit: torch.rand(unit, generator=torch.Generator().manual_seed(0)) < 0.4 for unit in ((12, 10), (1, 10), (12, 1))
}


@pytest.mark.parametrize("suffix", [".h5", ".npy", ".csv"])
@pytest.mark.parametrize("unit", MASKS)
def test_a_mask_comes_back_as_it_was(unit, suffix, tmp_path):
    path = tmp_path / f"mask{suffix}"
    write_mask(path, MASKS[unit], {"name": "test"})
    assert torch.equal(read_mask(path, SHAPE), MASKS[unit]) and is_mask_file(str(path))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_positions_count_from_dc():
    mask = torch.zeros(12, 10, dtype=torch.bool)
    mask[6, 5] = mask[0, 9] = True
    assert positions(mask) == [(-6, 4), (0, 0)]
    assert positions(torch.ones(1, 4, dtype=torch.bool)) == [(0, -2), (0, -1), (0, 0), (0, 1)]


def test_a_vector_is_a_mask_of_columns(tmp_path):
    np.save(tmp_path / "m.npy", np.arange(10) % 2)
    assert read_mask(tmp_path / "m.npy", SHAPE).shape == (1, 10)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((12, 9)), "has 12 x 9 positions, the scan 12 x 10"),
        (np.zeros((12, 10)), "samples nothing"),
        (np.full((12, 10), 0.5), "values other than 0 and 1"),
        (np.full((12, 10), np.nan), "not finite"),
        (np.full((12, 10), 2), "values other than 0 and 1"),
        (np.full((12, 10), "x"), "not a mask"),
        (np.ones((2, 12, 10)), "has 2 x 12 x 10 positions"),
    ],
)
def test_what_is_no_mask_is_refused(array, message, tmp_path):
    np.save(tmp_path / "m.npy", array)
    with pytest.raises(UserError, match=message):
        read_mask(tmp_path / "m.npy", SHAPE)


def test_damaged_files_are_refused(tmp_path):
    for name, content in (("a.npy", b"\x93NUMPY"), ("b.h5", b"no"), ("c.csv", b"row,column\n1,2\n"), ("d.npy", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="cannot read a mask"):
            read_mask(tmp_path / name, SHAPE)
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file["kspace"] = np.ones(3)
    for name in ("e.h5", "missing.npy"):
        with pytest.raises(UserError, match="cannot read a mask"):
            read_mask(tmp_path / name, SHAPE)
    (tmp_path / "f.csv").write_text("# mask of 12 x 10 positions, counted from DC\nrow,column\n6,0\n")
    with pytest.raises(UserError, match="lies outside"):
        read_mask(tmp_path / "f.csv", SHAPE)
    with pytest.raises(UserError, match="must end in"):
        write_mask(tmp_path / "g.txt", MASKS[SHAPE], {})
    assert not (tmp_path / "g.txt").exists()
