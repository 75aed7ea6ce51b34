"""The reader and writer of raw scans, on small files that hold one peculiarity each."""

import h5py
import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.data.scans import crop_readout, read_scan, scan_slices, write_scan
from mrilab.physics import centre_crop, ifft2c, rss

H, W = 48, 40


def ellipse_kspace(slices=1, coils=4, shape=(H, W), oversampling=1):
    generator = torch.Generator().manual_seed(7)
    fine = (2 * shape[0], 2 * shape[1])
    maps = random_array(coils, generator).maps(fine)
    images = torch.stack([random_ellipses(8, generator).image(fine) for _ in range(slices)])
    return 1e-6 * simulate_scan(images, maps, shape, 0.02, generator, oversampling)


def write_raw(path, **datasets):
    attrs = datasets.pop("attrs", {})
    with h5py.File(path, "w") as file:
        for name, value in datasets.items():
            file[name] = value
        file.attrs.update(attrs)
    return path


def header(encoded, recon, fov):
    """A header whose encoded space is `encoded` points wide at a field of view `fov` times the reconstructed one."""
    from mrilab.data.header import header_xml

    space = {"encoded_matrix": (*encoded, 1), "encoded_fov_mm": (200.0 * fov, 200.0, 5.0)}
    return header_xml(space | {"recon_matrix": (*recon, 1), "recon_fov_mm": (200.0, 200.0, 5.0)}, encoded)


def test_a_multi_coil_volume_comes_back_bit_for_bit(tmp_path):
    kspace = ellipse_kspace(slices=3)
    write_scan(tmp_path / "a.h5", kspace, attrs={"noise_std": 2e-8}, header={"te_ms": 90.0})
    scan = read_scan(tmp_path / "a.h5")
    assert torch.equal(scan.kspace, kspace)
    assert scan.mask is None and scan.acquired is None
    assert scan.slices == (0, 1, 2) and scan.n_slices == 3 == scan_slices(tmp_path / "a.h5")
    assert scan.header["te_ms"] == 90 and scan.attrs["noise_std"] == 2e-8 and scan.attrs["patient_id"] == "a"
    torch.testing.assert_close(scan.reference_rss, rss(kspace))
    assert scan.attrs["max"] == scan.reference_rss.max()
    assert scan.attrs["norm"] == pytest.approx(float(torch.linalg.vector_norm(scan.reference_rss)), rel=1e-5)


def test_the_file_has_the_fastmri_layout(tmp_path):
    write_scan(tmp_path / "a.h5", ellipse_kspace(slices=2), mask=torch.arange(W)[None] % 2 == 0)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["kspace"].shape == (2, 4, H, W) and file["kspace"].dtype == np.complex64
        assert file["mask"].shape == (W,) and "reconstruction_rss" not in file
        assert b"http://www.ismrm.org/ISMRMRD" in file["ismrmrd_header"][()]
        assert {"acquisition", "patient_id"} <= set(file.attrs)


def test_one_slice_reads_only_that_slice_and_the_middle_one_which_tells_the_echo(tmp_path, monkeypatch):
    kspace = ellipse_kspace(slices=3)
    write_scan(tmp_path / "a.h5", kspace)
    read = []
    original = h5py.Dataset.__getitem__

    def spy(self, key, **rest):
        if self.name == "/kspace":
            read.append(key)
        return original(self, key, **rest)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", spy)
    scan = read_scan(tmp_path / "a.h5", slice=-1)
    assert read == [(2,), (1,)] and scan.slices == (2,) and scan.n_slices == 3
    assert torch.equal(scan.kspace, kspace[2:]) and len(scan.reference_rss) == 1


@pytest.mark.parametrize("layout", ["complex128", "pairs", "real/imag", "r/i doubles", "big-endian", "single coil"])
def test_other_layouts_of_the_same_numbers(tmp_path, layout):
    kspace = ellipse_kspace(slices=2).numpy()
    stored = kspace
    if layout == "complex128":
        stored = kspace.astype(np.complex128)
    elif layout == "pairs":
        stored = np.stack((kspace.real, kspace.imag), -1)
    elif layout == "big-endian":
        stored = kspace.astype(">c8")
    elif layout == "single coil":
        stored = kspace = kspace[:, 0]
    elif layout in ("real/imag", "r/i doubles"):
        names = ("real", "imag") if layout == "real/imag" else ("r", "i")
        stored = np.empty(kspace.shape, [(name, "f8" if "doubles" in layout else "f4") for name in names])
        stored[names[0]], stored[names[1]] = kspace.real, kspace.imag
    write_raw(tmp_path / "a.h5", kspace=stored, ismrmrd_header=header((H, W), (H, W), 1))
    scan = read_scan(tmp_path / "a.h5")
    assert scan.kspace.dtype == torch.complex64 and scan.kspace.ndim == 4
    np.testing.assert_array_equal(scan.kspace.numpy().squeeze(), kspace.squeeze())


def test_cropping_the_readout_keeps_the_centre_of_the_image():
    kspace = ellipse_kspace()
    for rows in (24, 31):
        expected = centre_crop(ifft2c(kspace), (rows, W))
        torch.testing.assert_close(ifft2c(crop_readout(kspace, rows)), expected, rtol=0, atol=1e-12)


def test_readout_oversampling_goes_by_the_header(tmp_path):
    wide, plain = ellipse_kspace(oversampling=2), ellipse_kspace()
    assert wide.shape[-2] == 2 * H
    xml = header((2 * H, W), (H, H), 2)
    scan = read_scan(write_raw(tmp_path / "a.h5", kspace=wide, ismrmrd_header=xml))
    assert scan.shape == (H, W) and scan.oversampling == 2
    # the same object, so the same image up to noise
    difference = (rss(scan.kspace) - rss(plain)).square().mean().sqrt()
    assert difference < 0.1 * rss(plain).square().mean().sqrt()
    assert read_scan(tmp_path / "a.h5", oversampling=1).shape == (2 * H, W)


def test_without_header_the_stored_image_tells_the_readout(tmp_path):
    wide = ellipse_kspace(oversampling=2)
    image = centre_crop(rss(wide), (H, H if H < W else W)).numpy()
    with pytest.warns(UserWarning, match="ismrmrd_header"):
        scan = read_scan(write_raw(tmp_path / "a.h5", kspace=wide, reconstruction_rss=image))
    assert scan.shape == (H, W)
    torch.testing.assert_close(scan.reference_rss, torch.from_numpy(image))


def test_an_empty_outer_half_tells_it_where_the_header_denies_it(tmp_path):
    path = write_raw(
        tmp_path / "a.h5",
        kspace=ellipse_kspace(oversampling=2),
        ismrmrd_header=header((2 * H, W), (2 * H, W), 1),
    )
    with pytest.warns(UserWarning, match="oversampled by 2 although the file does not say so"):
        assert read_scan(path).shape == (H, W)


def test_a_long_object_is_not_taken_for_oversampling(tmp_path):
    long = ellipse_kspace(shape=(96, 40))  # fills its field of view
    path = write_raw(tmp_path / "a.h5", kspace=long, ismrmrd_header=header((96, 40), (96, 40), 1))
    assert read_scan(path).shape == (96, 40)


def test_a_mask_along_the_readout_forbids_the_crop(tmp_path, generator):
    wide = ellipse_kspace(oversampling=2)
    mask = torch.rand(2 * H, W, generator=generator) < 0.4
    path = write_raw(
        tmp_path / "a.h5",
        kspace=wide * mask,
        mask=mask.numpy(),
        ismrmrd_header=header((2 * H, W), (H, H), 2),
    )
    with pytest.warns(UserWarning, match="mask varies along the readout, so it cannot be cropped"):
        scan = read_scan(path)
    assert scan.shape == (2 * H, W) and torch.equal(scan.mask, mask)


def test_a_line_mask_written_as_a_plane_is_lines_and_can_be_cropped(tmp_path):
    wide = ellipse_kspace(oversampling=2)
    lines = torch.arange(W) % 3 == 0
    path = write_raw(
        tmp_path / "a.h5",
        kspace=wide * lines,
        mask=lines.expand(2 * H, W).numpy(),
        ismrmrd_header=header((2 * H, W), (H, H), 2),
    )
    scan = read_scan(path)
    assert scan.shape == (H, W) and torch.equal(scan.mask, lines[None])


@pytest.mark.parametrize("told_by", ["zeros", "attributes", "header"])
def test_padding_is_not_acquired(tmp_path, told_by):
    kspace = ellipse_kspace()
    expected = torch.zeros(1, W, dtype=torch.bool)
    expected[:, 5:37] = True
    extra = {"ismrmrd_header": header((H, W), (H, W), 1)}
    if told_by == "attributes":  # as in fastMRI's test files; here the padding holds noise
        extra["attrs"] = {"padding_left": 5, "padding_right": 37}
    else:
        kspace = kspace * expected
    if told_by == "header":  # with a mask, unsampled and padded columns look the same in the data
        limits = {"phase_minimum": 0, "phase_centre": 15, "phase_maximum": 31}
        lines = torch.arange(W)[None] % 2 == 0
        write_scan(tmp_path / "a.h5", kspace * lines, lines, header=limits)
        scan = read_scan(tmp_path / "a.h5")
        assert torch.equal(scan.mask, lines & expected)
    else:
        scan = read_scan(write_raw(tmp_path / "a.h5", kspace=kspace, **extra))
        assert scan.mask is None
    assert torch.equal(scan.acquired, expected)


def test_limits_of_a_header_that_the_data_contradict_are_ignored(tmp_path):
    write_scan(tmp_path / "a.h5", ellipse_kspace(), header={"phase_centre": 15, "phase_maximum": 31})
    scan = read_scan(tmp_path / "a.h5")
    assert scan.acquired is None and scan.mask is None


@pytest.mark.parametrize("holes", ["columns", "rows", "points"])
def test_holes_without_a_mask_make_one(tmp_path, generator, holes):
    kept = {
        "columns": (torch.arange(W)[None] % 4 != 1),
        "rows": (torch.arange(H)[:, None] % 4 != 1),
        "points": torch.rand(H, W, generator=generator) < 0.5,
    }[holes]
    write_scan(tmp_path / "a.h5", ellipse_kspace() * kept)
    with pytest.warns(UserWarning, match="taken as undersampled"):
        scan = read_scan(tmp_path / "a.h5")
    assert torch.equal(scan.mask, kept)


@pytest.mark.parametrize("stored", ["(W,) floats", "(1, 1, W) ints", "(H, W)", "(H, 1)"])
def test_masks_of_every_stored_shape(tmp_path, generator, stored):
    lines = torch.arange(W)[None] % 2 == 0
    mask, array = {
        "(W,) floats": (lines, lines[0].float()),
        "(1, 1, W) ints": (lines, lines[None].int()),
        "(H, W)": [torch.rand(H, W, generator=generator) < 0.3] * 2,
        "(H, 1)": [torch.arange(H)[:, None] % 2 == 0] * 2,
    }[stored]
    path = write_raw(
        tmp_path / "a.h5",
        kspace=ellipse_kspace() * mask,
        mask=array.numpy(),
        ismrmrd_header=header((H, W), (H, W), 1),
    )
    assert torch.equal(read_scan(path).mask, mask)


def test_a_mask_of_everything_is_no_undersampling(tmp_path):
    write_scan(tmp_path / "a.h5", ellipse_kspace(), mask=torch.ones(1, W, dtype=torch.bool))
    assert read_scan(tmp_path / "a.h5").mask is None


def test_parts_of_a_volume_know_which_slice_they_are(tmp_path):
    write_scan(tmp_path / "a.h5", ellipse_kspace(slices=3))
    part = read_scan(tmp_path / "a.h5").part(1)
    alone = read_scan(tmp_path / "a.h5", slice=1)
    assert part.slices == alone.slices == (1,)
    assert torch.equal(part.kspace, alone.kspace) and torch.equal(part.reference_rss, alone.reference_rss)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "shape", "mask_shape"),
    [
        ("brain-16ch", (1, 16, 128, 128), None),
        ("phantom-16ch", (1, 16, 128, 128), None),
        ("brain-8ch-undersampled", (1, 8, 230, 180), (230, 180)),
    ],
)
def test_real_scans(real_scans, name, shape, mask_shape):
    scan = read_scan(real_scans / f"{name}.h5")
    assert scan.kspace.shape == shape and scan.oversampling == 1
    assert (None if scan.mask is None else tuple(scan.mask.shape)) == mask_shape
    assert scan.header["field_strength_t"] == pytest.approx(2.889, abs=1e-3)
    if mask_shape is None:
        torch.testing.assert_close(rss(scan.kspace), scan.reference_rss, rtol=1e-4, atol=1e-10)


@pytest.mark.real
def test_the_real_oversampled_phantom_is_cropped_although_its_header_denies_it(real_scans):
    with pytest.warns(UserWarning, match="oversampled by 2 although"):
        scan = read_scan(real_scans / "phantom-2ch-oversampled.h5")
    assert scan.shape == (160, 160) and scan.oversampling == 2
    assert scan.header["encoded_fov_mm"] == scan.header["recon_fov_mm"]
    # the phantom is round, so its pixels are square now, and it lies inside the crop
    inside = rss(scan.kspace)[0] > 0.3 * rss(scan.kspace).max()
    rows, columns = inside.any(1).nonzero(), inside.any(0).nonzero()
    assert len(rows) / len(columns) == pytest.approx(1, abs=0.12)
    torch.testing.assert_close(rss(scan.kspace), scan.reference_rss, rtol=1e-4, atol=1e-10)
