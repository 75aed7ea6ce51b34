"""Files that could be read in two ways: the right one is found, or a sentence says why not. After reported failures."""

import h5py
import numpy as np
import pytest
import torch

from mrilab.data.header import header_xml
from mrilab.data.scans import read_scan
from mrilab.errors import UserError
from mrilab.physics.fourier import fft2c
from mrilab.physics.sampling import effective_acceleration, equispaced_mask

SIDE, COILS = 48, 4
pytestmark = pytest.mark.filterwarnings("ignore:there is no ismrmrd_header")


@pytest.fixture
def kspace():
    """A disc seen by four coils, (1, COILS, SIDE, SIDE), with noise everywhere."""
    generator = torch.Generator().manual_seed(1)
    rows, columns = torch.meshgrid(torch.arange(SIDE) - 24.0, torch.arange(SIDE) - 24.0, indexing="ij")
    disc = (rows**2 + 1.3 * columns**2 < 300).float()
    places = [(a, b) for a in (-20, 20) for b in (-20, 20)]
    coils = torch.stack([torch.exp(-((rows - a) ** 2 + (columns - b) ** 2) / 900) for a, b in places])
    noise = 0.01 * torch.randn(COILS, SIDE, SIDE, generator=generator, dtype=torch.complex64)
    return (fft2c((disc * coils).to(torch.complex64)) + noise)[None]


def written(path, kspace, mask=None, image=None, **attrs):
    with h5py.File(path, "w") as file:
        file["kspace"] = np.asarray(kspace)
        if mask is not None:
            file["mask"] = np.asarray(mask)
        if image is not None:
            file["reconstruction_rss"] = image
        file.attrs.update(attrs)
    return path


def test_a_file_as_it_should_be_gets_no_note(tmp_path, kspace):
    assert read_scan(written(tmp_path / "good.h5", kspace)).mask is None


@pytest.mark.parametrize(
    "shape, direction", [((1, 1, SIDE, 1), "vertical"), ((SIDE, 1), "vertical"), ((SIDE, 1), "horizontal")]
)
def test_of_a_square_plane_the_data_tell_which_way_the_lines_go(tmp_path, kspace, shape, direction):
    mask = equispaced_mask((SIDE, SIDE), 4, direction)
    scan = read_scan(written(tmp_path / "lines.h5", kspace * mask, mask.reshape(shape)))
    assert torch.equal(scan.mask, mask)
    assert effective_acceleration(scan.mask, scan.shape) == pytest.approx(SIDE / int(mask.sum()))


def test_a_mask_that_has_dc_first_is_refused_with_the_remedy(tmp_path, kspace):
    mask = equispaced_mask((SIDE, SIDE), 4)[0]
    path = written(tmp_path / "first.h5", kspace * mask, torch.fft.ifftshift(mask))
    with pytest.raises(UserError, match=r"hold nothing, of \d+; it has DC first: write numpy.fft.fftshift"):
        read_scan(path)


def test_a_mask_of_other_data_is_refused_and_one_that_counts_padding_is_not(tmp_path, kspace):
    mask = equispaced_mask((SIDE, SIDE), 4)[0]
    with pytest.raises(UserError, match="give the mask of these data, or none"):
        read_scan(written(tmp_path / "other.h5", kspace * mask, mask.roll(1) | mask.roll(2)))
    padded = kspace.clone()
    padded[..., :6], padded[..., -6:] = 0, 0
    assert not read_scan(written(tmp_path / "padded.h5", padded * mask, mask)).mask[0, :6].any()


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
@pytest.mark.parametrize("shape", [(1, SIDE), (SIDE, SIDE)])
def test_a_mask_of_everything_beside_data_with_holes_is_refused(tmp_path, kspace, direction, shape):
    sampled = kspace * equispaced_mask((SIDE, SIDE), 4, direction)
    with pytest.raises(UserError, match="give the mask of these data, or none"):
        read_scan(written(tmp_path / "ones.h5", sampled, np.ones(shape)))


def test_coils_last_are_refused(tmp_path, kspace):
    last = kspace[:, :, :, :].repeat(1, 2, 1, 1).movedim(1, -1)  # (1, 48, 48, 8)
    with pytest.raises(UserError, match="would have 48 coils of 48 x 8 points"):
        read_scan(written(tmp_path / "last.h5", last))


def test_slices_and_coils_in_the_wrong_order_are_refused_where_an_image_tells(tmp_path, kspace):
    swapped = kspace.repeat(3, 1, 1, 1).movedim(0, 1)  # (coil, slices, H, W)
    image = np.zeros((3, SIDE, SIDE), np.float32)
    with pytest.raises(UserError, match="4 slices of 3 coils, but 3 images"):
        read_scan(written(tmp_path / "swapped.h5", swapped, image=image))
    assert read_scan(written(tmp_path / "right.h5", swapped.movedim(0, 1), image=image)).n_slices == 3


@pytest.mark.parametrize("shift", [(0, 3), (0, -8), (-5, 6), (24, 24)])
def test_an_echo_off_the_middle_is_moved_there_with_its_mask(tmp_path, kspace, shift):
    mask = equispaced_mask((SIDE, SIDE), 4)
    path = written(tmp_path / "off.h5", (kspace * mask).roll(shift, (-2, -1)), mask.roll(shift[1], 1)[0])
    with pytest.warns(UserWarning, match="so it was moved there"):
        scan = read_scan(path)
    assert torch.equal(scan.kspace, kspace * mask) and torch.equal(scan.mask, mask)


def test_an_echo_one_point_off_stays_where_it_is(tmp_path, kspace):
    assert torch.equal(read_scan(written(tmp_path / "near.h5", kspace.roll(1, -1))).kspace, kspace.roll(1, -1))


def test_where_points_around_the_peak_are_missing_nothing_is_moved(tmp_path, kspace):
    lines = torch.arange(SIDE)[None] % 4 == 2  # without DC
    assert torch.equal(read_scan(written(tmp_path / "none.h5", kspace * lines, lines[0])).kspace, kspace * lines)


@pytest.mark.parametrize(
    "axes", ["slices,readout,phase,coils", "coils,slices,readout,phase", "phase,coils,slices,readout"]
)
def test_axes_in_any_order_are_read_as_they_are_named(tmp_path, kspace, axes):
    volume = torch.cat([kspace, 2 * kspace, 3 * kspace])  # (slices, coils, readout, phase)
    order = [("slices", "coils", "readout", "phase").index(name) for name in axes.split(",")]
    path = written(tmp_path / "axes.h5", volume.permute(order))
    assert torch.equal(read_scan(path, axes=axes).kspace, volume)
    assert torch.equal(read_scan(path, 1, axes=axes).kspace, volume[1:2])


@pytest.mark.parametrize("axes", ["slices,coils,readout", "slices,coils,readout,rows", "coils,coils,readout,phase"])
def test_axes_that_are_not_those_of_the_data_are_refused(tmp_path, kspace, axes):
    with pytest.raises(UserError, match="give slices, coils, readout, phase in the stored order"):
        read_scan(written(tmp_path / "axes.h5", kspace), axes=axes)


def test_a_header_of_the_turned_plane_is_refused_with_the_remedy(tmp_path, kspace):
    plane = kspace[..., 8:40]  # 48 readout points, 32 lines
    path = written(tmp_path / "turned.h5", plane.mT)
    with h5py.File(path, "a") as file:
        file["ismrmrd_header"] = header_xml({}, (48, 32))
    with pytest.raises(UserError, match="give --axes slices,coils,phase,readout"):
        read_scan(path)
    assert read_scan(path, axes="slices,coils,phase,readout").shape == (48, 32)
    assert read_scan(path, axes="slices,coils,readout,phase").shape == (32, 48)


@pytest.mark.parametrize("kind", [str, lambda n: np.array([n]), lambda n: str(n).encode(), float])
def test_padding_may_be_told_as_text_or_as_an_array(tmp_path, kspace, kind):
    mask = equispaced_mask((SIDE, SIDE), 4)
    path = written(tmp_path / "told.h5", kspace * mask, mask[0], padding_left=kind(5), padding_right=kind(43))
    acquired = read_scan(path).acquired[0]
    assert acquired.nonzero().flatten().tolist() == [*range(5, 43)]


def test_padding_that_is_no_number_is_not_believed(tmp_path, kspace):
    path = written(tmp_path / "words.h5", kspace, padding_left="left", padding_right="right")
    assert read_scan(path).acquired is None


@pytest.mark.parametrize("acceleration, spacing", [(1.9, 2), (4.9, 5), (4, 4), (3.2, 3)])
def test_an_acceleration_that_is_not_whole_gets_the_nearest_spacing(acceleration, spacing):
    lines = equispaced_mask((96, 96), acceleration, acs=0)[0].nonzero().flatten()
    assert set(lines.diff().tolist()) == {spacing}
