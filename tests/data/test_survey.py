"""One bad slice must not cost the volume: it is left out and named."""

import numpy as np
import pytest
import torch

from mrilab.data.scans import write_scan
from mrilab.data.survey import good_slices
from mrilab.errors import UserError


@pytest.fixture
def volume(generator):
    return torch.randn(6, 2, 24, 20, generator=generator, dtype=torch.complex64)


def lost_line(volume):
    volume[4, ..., 5] = 0


def zeros(volume):
    volume[4] = 0


def not_a_number(volume):
    volume[4, 1, 3, 3] = np.nan


@pytest.mark.parametrize(
    "spoil, reason", [(lost_line, "other lines than most"), (zeros, "is all zero"), (not_a_number, "NaN or infinite")]
)
def test_a_bad_slice_is_left_out_and_named(tmp_path, volume, spoil, reason):
    spoil(volume)
    write_scan(tmp_path / "a.h5", volume)
    with pytest.warns(UserWarning, match=f"1 of 6 slices are left out .slice 4: .*{reason}"):
        assert good_slices(tmp_path / "a.h5") == [0, 1, 2, 3, 5]


def test_good_volumes_get_no_note(tmp_path, volume):
    lines = torch.arange(20)[None] % 3 == 0
    write_scan(tmp_path / "a.h5", volume * lines, mask=lines)
    assert good_slices(tmp_path / "a.h5") == [*range(6)]


def test_of_many_bad_slices_a_few_are_named(tmp_path, volume):
    volume = torch.cat([volume, volume])
    volume[6:11] = 0
    write_scan(tmp_path / "a.h5", volume)
    with pytest.warns(UserWarning, match="slice 9: .*; and 1 more"):
        assert len(good_slices(tmp_path / "a.h5")) == 7


def test_slices_that_are_all_sampled_in_their_own_way_are_refused(tmp_path, volume):
    for number in range(6):
        volume[number, ..., number] = 0
        volume[number, ..., 12] = 0
    write_scan(tmp_path / "a.h5", volume)
    with pytest.raises(UserError, match="sampled in different ways; use --slice"):
        good_slices(tmp_path / "a.h5")


def test_a_volume_without_a_good_slice_is_refused_with_the_reason(tmp_path, volume):
    write_scan(tmp_path / "a.h5", torch.zeros_like(volume))
    with pytest.raises(UserError, match="is all zero in slice 0"):
        good_slices(tmp_path / "a.h5")
