"""ISMRMRD raw data, written by the package `ismrmrd` itself, one peculiarity a file."""

import sys

import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.data.formats import read_any
from mrilab.data.formats.convert import convert
from mrilab.data.scans import read_scan
from mrilab.errors import UserError
from mrilab.physics import rss

ismrmrd = pytest.importorskip("ismrmrd")

H, W, COILS = 32, 24, 3
SPACE = """<encoding>
<encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>{z}</z></matrixSize>
<fieldOfView_mm><x>{fov}</x><y>192</y><z>{thick}</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{rx}</x><y>{y}</y><z>{z}</z></matrixSize>
<fieldOfView_mm><x>256</x><y>192</y><z>{thick}</z></fieldOfView_mm></reconSpace>
<encodingLimits>{limits}</encodingLimits><trajectory>{trajectory}</trajectory></encoding>"""
HEADER = """<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<acquisitionSystemInformation><systemFieldStrength_T>1.5</systemFieldStrength_T></acquisitionSystemInformation>
<experimentalConditions><H1resonanceFrequency_Hz>63870000</H1resonanceFrequency_Hz></experimentalConditions>
{encodings}<sequenceParameters><TR>500</TR><TE>15</TE></sequenceParameters></ismrmrdHeader>"""
LIMIT = "<{n}><minimum>0</minimum><maximum>{high}</maximum><center>{centre}</center></{n}>"


def limit(n, high, centre):
    return LIMIT.format(n=f"kspace_encoding_step_{n}", high=high, centre=centre)


def space(x=H, y=W, z=1, fov=256, rx=H, thick=5, limits=None, trajectory="cartesian"):
    limits = limit(1, y - 1, y // 2) if limits is None else limits
    return SPACE.format(x=x, y=y, z=z, fov=fov, rx=rx, thick=thick, limits=limits, trajectory=trajectory)


def images(slices=1, shape=(H, W), oversampling=1, seed=3):
    """K-space (slices, coils, H, W) of ellipses with noise, as numpy."""
    generator = torch.Generator().manual_seed(seed)
    fine = (2 * shape[0], 2 * shape[1])
    maps = random_array(COILS, generator).maps(fine)
    objects = torch.stack([random_ellipses(5, generator).image(fine) for _ in range(slices)])
    return simulate_scan(objects, maps, shape, 0.02, generator, oversampling).numpy()


def line(data, step=0, *, flags=(), centre=None, directions=True, z=0.0, **more):
    """An acquisition of samples (coils, n); `more` are counters or fields of the header."""
    acquisition = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data))
    acquisition.center_sample = data.shape[1] // 2 if centre is None else centre
    acquisition.idx.kspace_encode_step_1 = step
    acquisition.sample_time_us = 5.0
    if directions:
        acquisition.position[:] = (10.0, -20.0, z)
        acquisition.read_dir[:], acquisition.phase_dir[:], acquisition.slice_dir[:] = (0, 1, 0), (1, 0, 0), (0, 0, 1)
    for name in flags:
        acquisition.set_flag(getattr(ismrmrd, name))
    for name, value in more.items():
        setattr(acquisition if hasattr(ismrmrd.AcquisitionHeader, name) else acquisition.idx, name, value)
    return acquisition


def write(path, acquisitions, encodings=None, header=None):
    with ismrmrd.Dataset(str(path), mode="w") as file:
        file.write_xml_header((header or HEADER.format(encodings=encodings or space())).encode())
        for each in acquisitions:
            file.append_acquisition(each)
    return path


def lines(kspace, **more):
    """All lines of k-space (slices, coils, H, W)."""
    number, width = len(kspace), kspace.shape[-1]
    return [line(kspace[s, :, :, w], w, slice=s, z=7.0 * s, **more) for s in range(number) for w in range(width)]


def image_of(kspace):
    """Root sum of squares by numpy, (slices, H, W)."""
    axes = (-2, -1)
    coil = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes), norm="ortho"), axes)
    return np.sqrt((abs(coil) ** 2).sum(1))


def image_read(scan):
    """Root sum of squares by the toolbox, (slices, H, W)."""
    return torch.stack([rss(each) for each in scan.kspace]).numpy()


def test_lines_become_k_space_and_the_image_is_that_of_the_original(tmp_path):
    kspace = images(slices=2)
    name, raw = read_any(write(tmp_path / "a.h5", lines(kspace)))
    assert name == "ISMRMRD" and raw.mask is None and raw.noise is None
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace)
    convert(tmp_path / "a.h5", tmp_path / "b.h5")
    scan = read_scan(tmp_path / "b.h5")
    assert scan.mask is None and scan.acquired is None
    assert scan.header["te_ms"] == 15 and scan.header["resonance_frequency_hz"] == 63870000
    assert scan.header["encoded_fov_mm"] == (256, 192, 5) and scan.header["field_strength_t"] == 1.5
    np.testing.assert_allclose(image_read(scan), image_of(kspace), rtol=1e-4)


def test_the_order_of_lines_does_not_matter(tmp_path):
    kspace = images(slices=3)
    shuffled = np.random.default_rng(1).permutation(np.array(lines(kspace), dtype=object))
    np.testing.assert_array_equal(read_any(write(tmp_path / "a.h5", shuffled))[1].kspace.numpy(), kspace)


def test_noise_lines_are_kept_apart(tmp_path):
    kspace, noise = images(), np.random.default_rng(2).normal(size=(2, COILS, 50, 2)).astype(np.float32)
    noise = noise[..., 0] + 1j * noise[..., 1]
    first = [line(each, flags=["ACQ_IS_NOISE_MEASUREMENT"], sample_time_us=2.0) for each in noise]
    path = write(tmp_path / "a.h5", first + lines(kspace))
    raw = read_any(path)[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace)
    np.testing.assert_array_equal(raw.noise.numpy(), np.concatenate(noise, axis=1))
    assert raw.attrs["noise_sample_time_us"] == 2 and raw.attrs["sample_time_us"] == 5
    assert convert(path, tmp_path / "b.h5")["noise_samples"] == 100
    np.testing.assert_array_equal(read_any(tmp_path / "b.h5")[1].noise.numpy(), raw.noise.numpy())


def test_lines_that_are_no_image_data_are_left_out_with_a_note(tmp_path):
    kspace, rubbish = images(), 100 * np.ones((COILS, H), np.complex64)
    names = ["NAVIGATION_DATA", "PHASECORR_DATA", "RTFEEDBACK_DATA", "DUMMYSCAN_DATA", "SURFACECOILCORRECTIONSCAN_DATA"]
    others = [line(rubbish, 5, flags=[f"ACQ_IS_{name}"]) for name in names]
    path = write(tmp_path / "a.h5", others + lines(kspace))
    with pytest.warns(UserWarning, match="1 navigation, 1 phase correction, 1 real-time feedback, 1 dummy, 1 surface"):
        raw = read_any(path)[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace)


def test_oversampling_is_left_in_and_read_scan_removes_it(tmp_path):
    kspace = images(oversampling=2)
    assert kspace.shape[-2] == 2 * H
    write(tmp_path / "a.h5", lines(kspace), space(x=2 * H, fov=512))
    convert(tmp_path / "a.h5", tmp_path / "b.h5")
    scan = read_scan(tmp_path / "b.h5")
    assert scan.oversampling == 2 and scan.shape == (H, W)
    expected = image_of(kspace)[:, H // 2 : -H // 2]
    np.testing.assert_allclose(image_read(scan), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("left", "count"), [(5, W - 5), (0, 18)])  # lines before DC are missing, or lines after it
def test_partial_fourier_leaves_zeros_on_one_side(left, count, tmp_path):
    kspace, centre = images(), W // 2 - left
    acquired = [line(kspace[0, :, :, left + n], n) for n in range(count)]
    write(tmp_path / "a.h5", acquired, space(limits=limit(1, count - 1, centre)))
    expected = np.zeros_like(kspace)
    expected[..., left : left + count] = kspace[..., left : left + count]
    raw = read_any(tmp_path / "a.h5")[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), expected)
    assert raw.mask is None and raw.attrs["padding_left"] == left and raw.attrs["padding_right"] == left + count
    convert(tmp_path / "a.h5", tmp_path / "b.h5")
    scan = read_scan(tmp_path / "b.h5")
    assert scan.mask is None and int(scan.acquired.sum()) == count
    np.testing.assert_allclose(image_read(scan), image_of(expected), rtol=1e-4)


def test_averages_are_averaged(tmp_path):
    one, two, three = (images(seed=seed) for seed in (1, 2, 3))
    acquired = [each for n, part in enumerate((one, two, three)) for each in lines(part, average=n)]
    raw = read_any(write(tmp_path / "a.h5", acquired))[1]
    np.testing.assert_allclose(raw.kspace.numpy(), (one + two + three) / 3, atol=1e-5)
    assert raw.attrs["averages"] == 3


def test_reversed_lines_are_turned(tmp_path):
    kspace = images()
    acquired = [
        line(kspace[0, :, ::-1, w], w, flags=["ACQ_IS_REVERSE"]) if w % 2 else line(kspace[0, :, :, w], w)
        for w in range(W)
    ]
    np.testing.assert_array_equal(read_any(write(tmp_path / "a.h5", acquired))[1].kspace.numpy(), kspace)


def test_asymmetric_echoes_lie_around_their_centre(tmp_path):
    kspace, missing = images(), 10
    short = kspace[0, :, missing:]  # (coils, 22, W): DC is at 16 - 10
    acquired = [
        line(short[:, ::-1, w], w, flags=["ACQ_IS_REVERSE"], centre=H - 1 - H // 2)  # counted as it was acquired
        if w % 2
        else line(short[..., w], w, centre=H // 2 - missing)
        for w in range(W)
    ]
    expected = kspace.copy()
    expected[:, :, :missing] = 0
    np.testing.assert_array_equal(read_any(write(tmp_path / "a.h5", acquired))[1].kspace.numpy(), expected)


def test_samples_to_discard_are_discarded(tmp_path):
    kspace = images()
    padded = np.pad(kspace[0], ((0, 0), (4, 2), (0, 0)), constant_values=99)
    acquired = [line(padded[..., w], w, discard_pre=4, discard_post=2, centre=4 + H // 2) for w in range(W)]
    np.testing.assert_array_equal(read_any(write(tmp_path / "a.h5", acquired))[1].kspace.numpy(), kspace)


def test_of_several_encodings_one_is_chosen(tmp_path):
    kspace, small = images(), images(shape=(16, 12), seed=9)
    both = lines(kspace) + lines(small, encoding_space_ref=1)
    path = write(tmp_path / "a.h5", both, space() + space(x=16, y=12, rx=16, thick=8))
    with pytest.warns(UserWarning, match="several encodings.*--encoding"):
        raw = read_any(path)[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace)
    second = read_any(path, encoding=1)[1]
    np.testing.assert_array_equal(second.kspace.numpy(), small)
    assert second.header["encoded_matrix"] == (16, 12, 1) and second.header["encoded_fov_mm"][2] == 8
    with pytest.raises(UserError, match="encoding 2; it has 0, 1"):
        read_any(path, encoding=2)


@pytest.mark.parametrize("series", ["contrast", "repetition", "set", "phase"])
def test_only_the_first_of_a_series_is_read(series, tmp_path):
    kspace, later = images(), images(seed=8)
    path = write(tmp_path / "a.h5", lines(kspace) + lines(later, **{series: 1}))
    with pytest.warns(UserWarning, match=f"2 values of {series} only 0"):
        np.testing.assert_array_equal(read_any(path)[1].kspace.numpy(), kspace)


def test_undersampled_lines_make_a_mask_with_calibration_lines_in_it(tmp_path):
    kspace = images(slices=2)
    sampled, calibration = set(range(0, W, 3)), set(range(9, 15))
    acquired = [
        line(kspace[s, :, :, w], w, slice=s, flags=[] if w in sampled else ["ACQ_IS_PARALLEL_CALIBRATION"])
        for s in range(2)
        for w in sorted(sampled | calibration)
    ]
    path = write(tmp_path / "a.h5", acquired)
    mask = np.isin(np.arange(W), list(sampled | calibration))
    raw = read_any(path)[1]
    np.testing.assert_array_equal(raw.mask.numpy()[0], mask)
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace * mask)
    convert(path, tmp_path / "b.h5")
    np.testing.assert_array_equal(read_scan(tmp_path / "b.h5").mask.numpy()[0], mask)


def volume():
    """(partitions, coils, H, W) of slices, and the k-space whose transform along the partitions they are."""
    slices = images(slices=6)
    shifted = np.fft.fft(np.fft.ifftshift(slices, 0), axis=0, norm="ortho")
    return slices, np.fft.fftshift(shifted, 0).astype(np.complex64)


def partition_lines(kspace, keep=lambda p, w: True):
    depth = range(len(kspace))
    return [line(kspace[p, :, :, w], w, kspace_encode_step_2=p) for p in depth for w in range(W) if keep(p, w)]


THREE_D = space(z=6, thick=30, limits=limit(1, W - 1, W // 2) + limit(2, 5, 3))


def test_partitions_become_slices_with_positions_of_their_own(tmp_path):
    slices, kspace = volume()
    raw = read_any(write(tmp_path / "a.h5", partition_lines(kspace), THREE_D))[1]
    np.testing.assert_allclose(raw.kspace.numpy(), slices, atol=1e-5)
    np.testing.assert_allclose(raw.attrs["position"][:, 2], 5.0 * (np.arange(6) - 3))


@pytest.mark.parametrize(
    ("keep", "reason"),
    [(lambda p, w: (p + w) % 2 or w == 12, "leaves out partitions"), (lambda p, w: p > 1, "partial Fourier")],
)
def test_partitions_that_are_missing_are_refused(keep, reason, tmp_path):
    path = write(tmp_path / "a.h5", partition_lines(volume()[1], keep), THREE_D)
    with pytest.raises(UserError, match=reason):
        read_any(path)


@pytest.mark.parametrize(
    ("encodings", "reason"),
    [
        (space(trajectory="radial"), "radial trajectory; only Cartesian"),
        (space(trajectory="spiral"), "spiral trajectory"),
        (space(limits=limit(1, 23, 20)), "lies outside"),
        (space().replace("<y>24</y>", "<y>many</y>"), "header of"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(encodings, reason, tmp_path):
    path = write(tmp_path / "a.h5", lines(images()), encodings)
    with pytest.raises(UserError, match=reason):
        read_any(path)


def test_a_file_of_noise_alone_is_refused(tmp_path):
    noise = line(np.ones((COILS, H), np.complex64), flags=["ACQ_IS_NOISE_MEASUREMENT"])
    with pytest.raises(UserError, match="no lines of image data"):
        read_any(write(tmp_path / "a.h5", [noise]))


def test_readouts_longer_than_the_header_says_are_read_without_a_field_of_view(tmp_path):
    kspace = images()
    path = write(tmp_path / "a.h5", lines(kspace), space(x=16, rx=16))
    with pytest.warns(UserWarning, match="readouts of 32 samples"):
        raw = read_any(path)[1]
    np.testing.assert_array_equal(raw.kspace.numpy(), kspace)
    assert "encoded_fov_mm" not in raw.header and raw.header["te_ms"] == 15


def test_of_several_measurements_the_first_is_read_and_images_are_none(tmp_path):
    kspace = images()
    path = write(tmp_path / "a.h5", lines(kspace))
    with ismrmrd.File(str(path), "a") as file:
        pictures = file["pictures"]
        pictures.images = [ismrmrd.Image.from_array(np.ones((1, H, W), np.float32))]
        file["later"].header = ismrmrd.xsd.CreateFromDocument(HEADER.format(encodings=space()).encode())
        file["later"].acquisitions = lines(images(seed=5))
    with pytest.warns(UserWarning, match="holds 2 measurements; the first, dataset"):
        np.testing.assert_array_equal(read_any(path)[1].kspace.numpy(), kspace)


def test_a_file_of_images_is_unknown(tmp_path):
    with ismrmrd.File(str(tmp_path / "a.h5"), "w") as file:
        file["dataset"].images = [ismrmrd.Image.from_array(np.ones((1, H, W), np.float32))]
    with pytest.raises(UserError, match="unknown format .*it holds dataset.*`mrilab convert` reads"):
        read_any(tmp_path / "a.h5")


def test_lines_of_other_coils_and_damage_are_sentences(tmp_path):
    kspace = images()
    path = write(tmp_path / "a.h5", lines(kspace) + [line(np.ones((2, H), np.complex64), 3)])
    with pytest.raises(UserError, match="lines of 2, 3 coils"):
        read_any(path)
    whole = write(tmp_path / "b.h5", lines(kspace)).read_bytes()
    (tmp_path / "b.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cut short|damaged"):
        read_any(tmp_path / "b.h5")


def test_a_missing_package_is_a_sentence_with_the_command(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5", lines(images()))
    monkeypatch.setitem(sys.modules, "ismrmrd", None)
    with pytest.raises(UserError, match="pip install ismrmrd"):
        read_any(path)
